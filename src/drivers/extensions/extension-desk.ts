import type { Ids } from '../../lib/ids.ts';
import { deferred } from '../../lib/deferred.ts';

/** More than these wait for no extension: one that does not ask, which invocations here do not wait for, loses the oldest. */
const MOST_EVENTS = 1_000;

/** Lambda's, of those in layers and in the runtime's process together. */
const MOST_EXTENSIONS = 10;

type ExtensionEventType = 'INVOKE' | 'SHUTDOWN';

/** What an extension is refused with. */
export interface ExtensionRefusal {
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
}

/** One event, with its JSON document. */
interface ExtensionEvent {
  readonly type: ExtensionEventType;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Takes an event; false: it has gone away meanwhile. */
export type Deliver = (event: ExtensionEvent) => boolean;

/** An extension that has registered. */
export interface Extension {
  readonly id: string;
  readonly name: string;
  /** A program of its own; else it lives in the runtime's process. */
  readonly external: boolean;
  readonly events: ReadonlySet<ExtensionEventType>;
  readonly queue: ExtensionEvent[];
  /** Its `next` that waits. */
  waiting: Deliver | null;
}

export interface DeskListener {
  /** It said that it failed, in its init phase or at its end. */
  failed(extension: Extension, failure: { readonly phase: 'init' | 'exit'; readonly errorType: string; readonly body: Buffer }): void;
  /** It waits for its next event. */
  idle(extension: Extension): void;
}

/** The state behind one instance's Extensions API: who has registered, who waits, what is to be told to whom. Names of errors are Lambda's. */
export class ExtensionDesk {
  readonly #ids: Ids;
  readonly #external: ReadonlySet<string>;
  readonly #listener: DeskListener;
  readonly #extensions = new Map<string, Extension>();
  readonly #missing: Set<string>;
  readonly #allRegistered = deferred<void>();
  readonly #allReady = deferred<void>();
  readonly #ready = new Set<string>();
  /** Registration and subscription are for the init phase. */
  open = true;

  /** `external`: the names of the programs that are started. */
  constructor(external: readonly string[], parts: { readonly ids: Ids; readonly listener: DeskListener }) {
    this.#ids = parts.ids;
    this.#listener = parts.listener;
    this.#external = new Set(external);
    this.#missing = new Set(external);
    if (external.length > 0) return;
    this.#allRegistered.resolve();
    this.#allReady.resolve();
  }

  /** Settles when every external extension has registered. */
  get registered(): Promise<void> {
    return this.#allRegistered.promise;
  }

  /** Settles when every external extension has asked for its first event: its init phase has ended. */
  get ready(): Promise<void> {
    return this.#allReady.promise;
  }

  /** Whether every extension waits: nothing of theirs is under way. */
  get idle(): boolean {
    return [...this.#extensions.values()].every((e) => e.waiting !== null || e.events.size === 0);
  }

  /** Whether one lives in the function's own process. */
  get hasInternal(): boolean {
    return [...this.#extensions.values()].some((e) => !e.external);
  }

  extensions(): readonly Extension[] {
    return [...this.#extensions.values()];
  }

  register(name: string, events: readonly unknown[]): Extension | ExtensionRefusal {
    if (name === '') return refusal(403, 'Extension.InvalidExtensionName', 'Empty extension name');
    const external = this.#external.has(name);
    const unknown = events.find((event) => event !== 'INVOKE' && event !== 'SHUTDOWN');
    if (unknown !== undefined) {
      const said = typeof unknown === 'string' ? unknown : JSON.stringify(unknown);
      return refusal(403, 'Extension.InvalidEventType', `${said}: ErrorInvalidEventType`);
    }
    if (!external && events.includes('SHUTDOWN'))
      return refusal(403, 'Extension.InvalidEventType', 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension');
    if (!this.open) return refusal(403, 'Extension.RegistrationClosed', 'Extension registration closed already');
    if (!external && this.#extensions.size + this.#missing.size >= MOST_EXTENSIONS)
      return refusal(403, 'Extension.TooManyExtensions', `Extension limit (${MOST_EXTENSIONS}) reached`);
    const same = [...this.#extensions.values()].find((e) => e.name === name);
    if (same !== undefined)
      return external
        ? notAllowed(same, 'Registered')
        : refusal(403, 'Extension.InvalidExtensionState', 'Extension with this name already registered');
    const of = new Set(events as ExtensionEventType[]);
    const extension: Extension = { id: this.#ids.uuid(), name, external, events: of, queue: [], waiting: null };
    this.#extensions.set(extension.id, extension);
    this.#missing.delete(name);
    if (this.#missing.size === 0) this.#allRegistered.resolve();
    return extension;
  }

  /** The one that an identifier names. */
  find(id: string | undefined): Extension | ExtensionRefusal {
    if (id === undefined || id === '')
      return refusal(403, 'Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header');
    if (!/^[0-9a-f-]{36}$/i.test(id)) return refusal(403, 'Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier');
    return this.#extensions.get(id) ?? refusal(403, 'Extension.UnknownExtensionIdentifier', `Unknown extension ${id}`);
  }

  /** It waits for its next event, which may be there. */
  next(extension: Extension, deliver: Deliver): ExtensionRefusal | null {
    if (extension.waiting !== null) return notAllowed(extension, 'Ready');
    extension.waiting = deliver;
    if (extension.external) this.#ready.add(extension.name);
    if (this.#ready.size === this.#external.size) this.#allReady.resolve();
    this.#serve(extension);
    if (extension.waiting !== null) this.#listener.idle(extension);
    return null;
  }

  /** It has broken off its `next`. */
  gaveUp(extension: Extension, deliver: Deliver): void {
    if (extension.waiting === deliver) extension.waiting = null;
  }

  failed(extension: Extension, failure: Parameters<DeskListener['failed']>[1]): void {
    this.#listener.failed(extension, failure);
  }

  /** Tells those that want it. */
  announce(event: ExtensionEvent): void {
    for (const extension of this.#extensions.values()) {
      if (!extension.events.has(event.type)) continue;
      extension.queue.push(event);
      if (extension.queue.length > MOST_EVENTS) extension.queue.shift();
      this.#serve(extension);
    }
  }

  #serve(extension: Extension): void {
    const { waiting } = extension;
    const event = extension.queue[0];
    if (waiting === null || event === undefined) return;
    extension.waiting = null;
    if (waiting(event)) extension.queue.shift();
  }
}

function notAllowed({ name, waiting }: Extension, to: string): ExtensionRefusal {
  const from = waiting === null ? 'Registered' : 'Ready';
  const errorMessage = `State transition from ${from} to ${to} failed for extension ${name}. Error: State transition is not allowed`;
  return refusal(403, 'Extension.InvalidExtensionState', errorMessage);
}

export function isRefusal(value: Extension | ExtensionRefusal): value is ExtensionRefusal {
  return 'errorType' in value;
}

export function refusal(status: number, errorType: string, errorMessage: string): ExtensionRefusal {
  return { status, errorType, errorMessage };
}
