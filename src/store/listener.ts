import type { Client } from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { DatabaseConnection } from './connection.ts';
import { openSession } from './connection.ts';
import type { Log } from './log.ts';

/** Calls back with what is notified on a channel, and with '' after the session was away (something may have been missed); returns the way to stop. */
export type Listen = (channel: string, listener: (payload: string) => void) => () => Promise<void>;

const RETRY_MS = { first: 100, last: 2_000 };

/** Listens in a session of its own for each channel, which is opened again whenever it is lost. */
export function listening(connection: DatabaseConnection, { clock, log }: { clock: Clock; log: Log }): Listen {
  return (channel, listener) => {
    const state: { session: Client | null; closed: boolean; wake: () => void } = { session: null, closed: false, wake: () => {} };
    const done = follow();
    async function follow(): Promise<void> {
      for (let wait = RETRY_MS.first; !state.closed; wait = Math.min(wait * 2, RETRY_MS.last)) {
        try {
          await once();
          wait = RETRY_MS.first;
        } catch (error) {
          log.debug({ err: error, channel }, 'listening failed');
        }
        if (state.closed) return;
        await new Promise<void>((resolve) => {
          state.wake = resolve;
          clock.after(wait, resolve);
        });
      }
    }
    /** One session, from its opening to its end. */
    async function once(): Promise<void> {
      const session = await openSession(connection, 'hearth listener', (error) => log.debug({ err: error, channel }, 'listener session'));
      const ended = new Promise<void>((resolve) => session.once('end', () => resolve()));
      session.on('notification', (n) => n.channel === channel && listener(n.payload ?? ''));
      state.session = session;
      try {
        if (state.closed) return;
        await session.query(`listen ${channel}`);
        listener('');
        await ended;
      } finally {
        state.session = null;
        await session.end().catch(() => {});
      }
    }
    return async () => {
      state.closed = true;
      state.wake();
      await state.session?.end().catch(() => {});
      await done;
    };
  };
}
