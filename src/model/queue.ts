/** What a queue does with its messages. Times in seconds, as SQS's attributes. */
export interface QueueAttributes {
  readonly visibilityTimeout: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  readonly maximumMessageSize: number;
  readonly receiveWaitSeconds: number;
  readonly fifo: boolean;
  readonly contentBasedDeduplication: boolean;
  /** Where a message goes that was received so often without being deleted; null: nowhere. */
  readonly redrive: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number } | null;
  /** Attributes that change nothing here, kept to be given back: policies, encryption. */
  readonly kept: Readonly<Record<string, string>>;
}

export interface Queue {
  readonly queueId: string;
  readonly name: string;
  readonly attributes: QueueAttributes;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** One of a message's own attributes: text, or bytes in base64. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: string | undefined;
}

/** A message that is to be sent. */
export interface NewMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly md5Body: string;
  readonly md5Attributes: string | null;
  readonly traceHeader: string | null;
  readonly sender: string;
  /** Of FIFO queues; else null. */
  readonly groupId: string | null;
  readonly deduplicationId: string | null;
  /** Null: the queue's. */
  readonly delaySeconds: number | null;
  /** The message's id; what is given with an id twice is sent twice, see deduplicationId. */
  readonly messageId: string;
}

export interface Sent {
  readonly messageId: string;
  /** Its place in the queue; the sequence number of a FIFO queue. */
  readonly sequence: string;
}

/** A message as it was received. */
export interface ReceivedMessage extends Omit<NewMessage, 'delaySeconds'> {
  readonly sequence: string;
  /** What deletes it, until it is received again. */
  readonly receipt: string;
  readonly receiveCount: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  readonly deadLetterSource: string | null;
}

/** How many messages of a queue are in which state. */
export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}
