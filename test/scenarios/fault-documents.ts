import assert from 'node:assert/strict';
import type { Called, Language, TestServer } from './platform-server.ts';

/** Lambda's error document, in both languages. */
export interface Document {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: string[];
  readonly stackTrace?: string[];
  readonly requestId?: string;
}

/** The function answered with an error: its document, after checks that hold for every one. */
export async function failed(server: TestServer, name: string, answer: Called, expected: { outcome: string }): Promise<Document> {
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.functionError, 'Unhandled');
  assert.equal(answer.executedVersion, '$LATEST');
  const usage = await server.usageOf(name, answer.requestId);
  assert.equal(usage.outcome, expected.outcome);
  assert.equal(usage.bytesOut, answer.payload.length);
  // Clocks count microseconds; less than one is not billed.
  assert.ok(usage.billedMs >= usage.durationMs - 0.001, `billed ${usage.billedMs} ms for ${usage.durationMs} ms`);
  return answer.value as Document;
}

/** What was thrown, in Lambda's form: with its name, its message and where. */
export function assertThrown(language: Language, document: Document, expected: { node: string; python: string; message: string }): void {
  assert.equal(document.errorType, expected[language]);
  assert.equal(document.errorMessage, expected.message);
  if (language === 'node') {
    assert.equal(document.trace?.[0], `${expected.node}: ${expected.message}`);
    assert.match(document.trace?.[1] ?? '', /^ {4}at /);
    assert.deepEqual(Object.keys(document), ['errorType', 'errorMessage', 'trace']);
  } else {
    assert.match(document.stackTrace?.at(-1) ?? '', /^ {2}File ".*lambda_function\.py", line \d+, in .+\n {4}raise .+\n$/);
    assert.deepEqual(Object.keys(document).sort(), ['errorMessage', 'errorType', 'requestId', 'stackTrace']);
  }
}
