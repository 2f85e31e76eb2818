/** How many deliveries of one lane may run at once, and what moves it. */
export interface WindowObservation {
  /** The present window. */
  readonly window: number;
  /** Most there may ever be: the configured bound, or the function's own concurrency. */
  readonly most: number;
  /** Whether the attempt that ended was refused for a limit. */
  readonly throttled: boolean;
  /** Whether as many ran as the window allows: one that was not used up says nothing. */
  readonly full: boolean;
}

/** Half after a refusal, else a little more: grows by about one each time a whole window went well, as TCP's does. Never below 1. */
export function nextWindow(o: WindowObservation): number {
  if (o.throttled) return Math.max(1, o.window / 2);
  return Math.max(1, Math.min(o.most, o.full ? o.window + 1 / o.window : o.window));
}
