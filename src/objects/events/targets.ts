/** The functions and queues that may be told of events. */
export interface Targets {
  /** The function that an ARN means, with its version or alias; null when there is none. */
  functionOf(arn: string): { readonly functionId: string; readonly qualifier: string | null } | null;
  /** The name of the queue that an ARN means; null when no queue here has it. */
  queueOf(arn: string): string | null;
}
