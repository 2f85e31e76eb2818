'use strict';

/** The invocations that an instance has, by their numbers: one as a rule, for which a Map would make its table anew each time. */
class InFlight {
  constructor() {
    this.sole = null;
    this.more = null;
  }

  get size() {
    return (this.sole === null ? 0 : 1) + (this.more === null ? 0 : this.more.size);
  }

  add(invocation) {
    if (this.sole === null) this.sole = invocation;
    else (this.more ??= new Map()).set(invocation.request, invocation);
  }

  get(request) {
    return this.sole !== null && this.sole.request === request ? this.sole : this.more?.get(request);
  }

  /** Whether it was there. */
  delete(request) {
    if (this.sole === null || this.sole.request !== request) return this.more !== null && this.more.delete(request);
    this.sole = null;
    return true;
  }

  all() {
    const more = this.more === null ? [] : [...this.more.values()];
    return this.sole === null ? more : [this.sole, ...more];
  }
}

module.exports = { InFlight };
