import type { FastifyInstance, FastifyReply } from 'fastify';
import { checkedName, functionNamed, wholeNumber, type OwnDeps } from './api.ts';
import type { LogLine, LogQuery } from '../../observe/function-logs.ts';

/** What functions print. */
export function logResource(app: FastifyInstance, deps: OwnDeps): void {
  app.get<{ Querystring: Record<string, unknown> }>('/hearth/v1/logs', async (request, reply) => {
    const name = request.query['function'];
    const sinceMs = wholeNumber(request.query, 'since');
    const tail = wholeNumber(request.query, 'tail');
    const query: LogQuery = {
      ...(name === undefined ? {} : { function: checkedName(name) }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...(tail === undefined ? {} : { tail }),
    };
    const follow = request.query['follow'] === '1' || request.query['follow'] === 'true';
    if (follow) {
      await followed(query, reply, deps);
      return reply;
    }
    const past = await pastLines(query, deps);
    const lines = deps.lines.open();
    for (const line of past) lines.write(line);
    lines.end();
    lines.answer(reply);
    return reply;
  });
}

/** What is there, then what comes, each line once. Listening begins first, so that none is lost in between. */
async function followed(query: LogQuery, reply: FastifyReply, deps: OwnDeps): Promise<void> {
  const early: LogLine[] = [];
  let take = (line: LogLine): void => void early.push(line);
  const stop = deps.platform.followLogs((line) => {
    if (query.function === undefined || line.function === query.function) take(line);
  });
  try {
    const past = await pastLines(query, deps);
    const lines = deps.lines.open();
    lines.onClose(stop);
    lines.answer(reply);
    for (const line of past) lines.write(line);
    for (const line of without(early, past)) lines.write(line);
    take = (line) =>
      lines.offer(line, (count) => ({
        ...line,
        stream: 'platform',
        requestId: null,
        text: `${count} lines left out: this reader is too slow`,
      }));
  } catch (error) {
    stop();
    throw error;
  }
}

async function pastLines(query: LogQuery, deps: OwnDeps): Promise<readonly LogLine[]> {
  const past = await deps.platform.logs(query);
  // The log of a function that was removed may still be read; of one that never was, there is nothing to wait for.
  if (past.length === 0 && query.function !== undefined) functionNamed(deps, query.function);
  return past;
}

/** Those lines that are not among the others already. */
function without(lines: readonly LogLine[], others: readonly LogLine[]): LogLine[] {
  const first = lines[0];
  if (first === undefined) return [];
  const key = (l: LogLine): string => JSON.stringify([l.timeMs, l.function, l.stream, l.requestId, l.text]);
  const seen = new Map<string, number>();
  for (const other of others) if (other.timeMs >= first.timeMs) seen.set(key(other), (seen.get(key(other)) ?? 0) + 1);
  return lines.filter((line) => {
    const count = seen.get(key(line)) ?? 0;
    if (count > 0) seen.set(key(line), count - 1);
    return count === 0;
  });
}
