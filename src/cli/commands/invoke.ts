import type { HearthClient } from '../../client/client.ts';
import type { InvokeAnswer } from '../../client/invocation.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { duration } from '../format.ts';
import { type PayloadOptions, payloadOf } from '../payload.ts';

export interface InvokeOptions extends EndpointOptions, PayloadOptions {
  readonly qualifier?: string;
  readonly json?: boolean;
  readonly log?: boolean;
  readonly raw?: boolean;
  readonly async?: boolean;
}

/** `hearth invoke`: calls a function and prints its answer. The exit code is 1 when the function answered with an error. */
export async function invoke(context: Context, name: string, options: InvokeOptions): Promise<ExitCode> {
  const payload = await payloadOf(context, options);
  return withClient(context, options, async (client) => {
    if (options.async) return invokeAsync(context, client, { name, qualifier: options.qualifier, payload, json: options.json === true });
    const from = context.clock.monotonic();
    const answer = await client.invoke({ functionName: name, qualifier: options.qualifier, payload, logTail: options.log === true });
    const durationMs = Math.round((context.clock.monotonic() - from) * 1_000) / 1_000;
    if (options.json) context.out.json(asJson(answer, durationMs));
    else show(context, answer, { name, durationMs, raw: options.raw === true });
    return answer.functionError === null ? EXIT.ok : EXIT.functionError;
  });
}

interface AsyncCall {
  readonly name: string;
  readonly qualifier: string | undefined;
  readonly payload: Buffer;
  readonly json: boolean;
}

/** Hands the event over and says what it is called in the ledger. */
async function invokeAsync({ out }: Context, client: HearthClient, { name, qualifier, payload, json }: AsyncCall): Promise<ExitCode> {
  const { statusCode, requestId } = await client.invoke({ functionName: name, qualifier, payload, invocationType: 'Event' });
  if (json) out.json({ statusCode, requestId });
  else out.line(requestId ?? '');
  if (out.watched) out.note(out.mark('dim', `accepted; \`hearth events show ${requestId}\` tells what became of it`));
  return EXIT.ok;
}

function asJson(answer: InvokeAnswer, durationMs: number): unknown {
  const { statusCode, functionError, executedVersion, requestId, logTail, coldRung, coldMs, handlerMs } = answer;
  const payload = parsed(answer.payload) ?? { value: answer.payload.toString('utf8') };
  return {
    statusCode,
    functionError,
    executedVersion,
    requestId,
    payload: payload.value,
    coldRung,
    coldMs,
    handlerMs,
    durationMs,
    ...(logTail === null ? {} : { log: logTail }),
  };
}

function show(
  { out }: Context,
  answer: InvokeAnswer,
  how: { readonly name: string; readonly durationMs: number; readonly raw: boolean },
): void {
  if (answer.logTail !== null) out.note(out.mark('dim', answer.logTail.trimEnd()));
  const value = how.raw ? null : printable(answer.payload);
  if (value === null) {
    out.raw(answer.payload);
    if (!how.raw && answer.payload.at(-1) !== 10) out.line();
  } else {
    out.line(JSON.stringify(value.value, null, 2));
  }
  if (answer.functionError !== null)
    out.note(
      `${out.mark('red', 'error:')} the function ended with an error (${answer.functionError}); \`hearth logs ${how.name}\` has what it printed`,
    );
  if (out.watched)
    out.note(
      out.mark(
        'dim',
        `${duration(how.durationMs)}, ${answer.coldRung === null ? 'warm' : `cold from ${answer.coldRung}${answer.coldMs === null ? '' : ` (${duration(answer.coldMs)})`}`}, request ${answer.requestId ?? 'unknown'}`,
      ),
    );
}

/** The JSON value in the bytes, to be laid out; null when they are not JSON, or have a number that JavaScript can't hold as it is written. */
function printable(bytes: Buffer): { value: unknown } | null {
  const value = parsed(bytes);
  return value !== null && numbersIn(bytes.toString('utf8')).every(isHeld) ? value : null;
}

/** The numbers of a JSON text, as they are written. */
function numbersIn(json: string): string[] {
  const number = /-?\d[\d.eE+-]*/y;
  const found: string[] = [];
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '"') {
      for (at++; at < json.length && json[at] !== '"'; at++) if (json[at] === '\\') at++;
      continue;
    }
    number.lastIndex = at;
    const text = number.exec(json)?.[0];
    if (text === undefined) continue;
    found.push(text);
    at += text.length - 1;
  }
  return found;
}

function isHeld(text: string): boolean {
  const number = Number(text);
  return Number.isFinite(number) && (!/^-?\d+$/.test(text) || BigInt(text) === BigInt(number));
}

/** The JSON value in the bytes; null when they are not JSON. */
function parsed(bytes: Buffer): { value: unknown } | null {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return null;
  }
}
