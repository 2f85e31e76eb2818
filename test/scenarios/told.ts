import assert from 'node:assert/strict';
import type { Called, TestServer } from './platform-server.ts';

/** What test/functions/tells answers. */
export interface Told {
  readonly madeAt: number;
  readonly inInit: readonly [number, string];
  readonly now: readonly [number, string];
  readonly uid: number;
  readonly invocations: number;
  readonly mostInFlight: number;
  readonly tmp: readonly string[];
  readonly codeWritable: true | string;
  readonly environment: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>> & { readonly left: number };
  readonly text: string | null;
}

/** Calls a function made of test/functions/tells, which must answer. */
export async function tell(server: TestServer, name: string, event: Record<string, unknown> = {}): Promise<Told & { answer: Called }> {
  const answer = await server.call(name, event);
  assert.equal(answer.functionError, null, answer.payload.toString());
  return { ...(answer.value as Told), answer };
}
