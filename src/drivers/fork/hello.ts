import { FrameError } from '../../runtimes/frames.ts';
import type { BirthTimes, Hello } from '../../runtimes/protocol.ts';

const MOST_TEXTS = 32;
const MOST_TEXT = 200;

/**
 * A shim's greeting, once its token and version are known. A child of a snapshot greets with user code in its process: FrameError where that is no greeting, and what
 * is told to people is cut.
 */
export function readHello(message: Readonly<Record<string, unknown>>): Hello {
  const { protocol, token, pid, runtime, born } = message;
  if (typeof protocol !== 'number' || typeof token !== 'string' || typeof pid !== 'number' || typeof runtime !== 'string')
    throw new FrameError('greeted without protocol, token, pid or runtime');
  return {
    protocol,
    token,
    pid,
    runtime: runtime.slice(0, MOST_TEXT),
    capabilities: texts(message, 'capabilities'),
    unconfined: texts(message, 'unconfined'),
    born: (born ?? null) as BirthTimes | null, // read by `onOurClock`, which believes nothing of it
  };
}

function texts(message: Readonly<Record<string, unknown>>, name: string): string[] {
  const list = message[name];
  if (!Array.isArray(list) || list.length > MOST_TEXTS || !list.every((text) => typeof text === 'string'))
    throw new FrameError(`greeted with ${name} that are no list of at most ${MOST_TEXTS} texts`);
  return list.map((text) => text.slice(0, MOST_TEXT));
}
