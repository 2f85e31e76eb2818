/** So many requests begin as they come, of whatever kind: more in one turn of the event loop come only where a thousand callers do, or where the server was held up. */
const AT_ONCE = 16;
/** Beyond them so many of a kind, until the turn ends. */
const OF_A_KIND = 8;
/** Of those who wait, so many begin in each turn: a request costs some 50 microseconds until it waits for its instance. */
const PORTION = 32;

type Begin = () => void;

/**
 * Lets a crowd in by portions. Node.js hands on all requests that a turn of its event loop finds readable: a thousand callers of one function would begin one after the other, 50 ms and more
 * in which nobody else begins or has his answer passed on. So those of a crowd wait for later turns, in the order in which they came, and who calls something else does not wait for them.
 */
export class Crowd {
  /** Begun since the last turn that was noticed. */
  #begun = 0;
  /** Of those the ones beyond AT_ONCE, by kind. */
  readonly #ofKind = new Map<string, number>();
  /** Whether the end of this turn will be noticed. It costs a turn without sleep, so most are not. */
  #awaited = false;
  /** By kind, in the order of their turns. */
  readonly #waiting = new Map<string, Begin[]>();

  /** Calls `begin`, which must not throw: now, or in one of the next turns. `kind`: what is asked for. */
  enter(kind: string, begin: Begin): void {
    if (++this.#begun >= AT_ONCE) {
      this.#awaitTurn();
      const ofKind = this.#ofKind.get(kind) ?? 0;
      if (ofKind >= OF_A_KIND || this.#waiting.has(kind)) return this.#wait(kind, begin);
      this.#ofKind.set(kind, ofKind + 1);
    }
    begin();
  }

  #wait(kind: string, begin: Begin): void {
    const waiting = this.#waiting.get(kind);
    if (waiting === undefined) this.#waiting.set(kind, [begin]);
    else waiting.push(begin);
  }

  #awaitTurn(): void {
    if (this.#awaited) return;
    this.#awaited = true;
    setImmediate(() => this.#turn());
  }

  /** Lets a portion of those who wait in, each kind with its share. */
  #turn(): void {
    this.#awaited = false;
    this.#ofKind.clear();
    const share = Math.max(1, Math.floor(PORTION / this.#waiting.size));
    const chosen: Begin[] = [];
    for (const kind of [...this.#waiting.keys()].slice(0, PORTION)) {
      const waiting = this.#waiting.get(kind) ?? [];
      chosen.push(...waiting.splice(0, share));
      this.#waiting.delete(kind);
      if (waiting.length > 0) this.#waiting.set(kind, waiting); // behind those who had no turn yet
    }
    this.#begun = 0;
    if (this.#waiting.size > 0) {
      this.#begun = AT_ONCE; // what comes in the next turn is of a crowd until the last of it is in
      this.#awaitTurn();
    }
    for (const begin of chosen) begin();
  }
}
