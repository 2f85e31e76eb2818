import type { NotificationTarget } from './notification.ts';

/** A target that a function's manifest asks for, beside those in the settings of buckets. */
export interface Listener {
  readonly bucket: string;
  readonly target: NotificationTarget;
  /** Whether the bucket is another store's, whose events come by its webhook. */
  readonly external: boolean;
  /** Told when a delivery for it was made, with the time of the event; it may not be committed after all. */
  readonly told: (atMs: number) => void;
}

/** Who wants to know of what happens in buckets, by their manifests. In memory: triggers are registered elsewhere. */
export class Listeners {
  readonly #byBucket = new Map<string, Map<string, Listener>>();

  /** Adds a listener, in the place of one with its id; returns the way to remove it. */
  add(listener: Listener): () => void {
    const { bucket, target } = listener;
    const ours = this.#byBucket.get(bucket) ?? new Map<string, Listener>();
    this.#byBucket.set(bucket, ours.set(target.id, listener));
    return () => {
      if (ours.get(target.id) !== listener) return;
      ours.delete(target.id);
      if (ours.size === 0 && this.#byBucket.get(bucket) === ours) this.#byBucket.delete(bucket);
    };
  }

  of(bucket: string): Listener[] {
    return [...(this.#byBucket.get(bucket)?.values() ?? [])];
  }
}
