/** A folder that is a bucket. */
interface WatchedFolder {
  readonly bucket: string;
  /** Absolute. */
  readonly folder: string;
}

/** What the server runs with. Made once at start from defaults, a file and the environment; frozen. */
export interface Config {
  /** Where all state lives. */
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly accountId: string;
  readonly region: string;
  /** Somebody's own PostgreSQL; null: the embedded one. */
  readonly databaseUrl: string | null;
  /** Host names, beside the loopback ones, that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Folders on disk whose files are objects of a bucket: what is put there makes an event. */
  readonly watch: readonly WatchedFolder[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly auth: {
    /** Whether requests must be signed by a key of this server. False is anonymous mode: whoever reaches the server may do everything. */
    readonly required: boolean;
    /** Whether S3 and SQS serve what is not signed; a signature is verified all the same. Null: on loopback as `required` says, beyond it never. */
    readonly anonymous: boolean | null;
  };
  readonly limits: {
    /** Largest request and response payload of a sync invocation. */
    readonly payloadBytes: number;
    /** Most bytes of an answer that is streamed. */
    readonly streamBytes: number;
    /** Invocations that may wait for the machine's capacity, per function. */
    readonly queueLength: number;
    /** How long one may wait for it. */
    readonly queueMs: number;
    /** Memory the machine keeps free of instances. */
    readonly reserveBytes: number;
    /** Most instances on this machine. */
    readonly instances: number;
    /** Init phases under way at once. A version's first one counts versions, so that no other version's hold it up. */
    readonly startsAtOnce: number;
    /** Forks of snapshots under way at once, beside them. */
    readonly forksAtOnce: number;
    /** Shortest budget of an init phase; a function's own timeout when that is longer. */
    readonly initMs: number;
    /** Budget of an init phase run at deploy time. */
    readonly deployInitMs: number;
    /** Largest zip of a function's folder that is taken for a deployment. */
    readonly sourceBytes: number;
    /** Most bytes that a function's folder, or a layer, may have once it is unpacked; what is installed at deploy time does not count. */
    readonly unpackedBytes: number;
    /** How long what runs has to end when the server is told to; 0: it is ended at once. */
    readonly drainMs: number;
    /** Log kept per function before the oldest goes. */
    readonly logBytes: number;
    /** Most calls a second, answered ones only, of all functions that have no reserved concurrency; null: no limit. */
    readonly callsPerSecond: number | null;
    /** Most calls a second for each of a function's reserved concurrency: Lambda's quota is 10; null: no limit. */
    readonly callsPerReserved: number | null;
    /** Most requests a second to Lambda's API that one key may sign, the server's own apart; null: no limit. */
    readonly requestsPerKey: number | null;
    /** Snapshots under way beyond which a call that needs one more made is refused; null: it waits. */
    readonly snapshotsAtOnce: number | null;
  };
  readonly fleet: {
    /** Which policy decides what stays resident of a function that does not say. */
    readonly keepAlive: 'fixed' | 'histogram';
    /** Length of the histogram of a function's idle times, minutes. */
    readonly histogramMinutes: number;
    /** What goes first when memory is short. */
    readonly eviction: 'greedyDual' | 'lru';
    /** Most memory for all that is resident, busy instances included, bytes; null: what the machine has, less the reserve. */
    readonly residentBytes: number | null;
    /** Most snapshots made in a minute before they are asked for. */
    readonly prewarmsPerMinute: number;
    /** Most snapshots made at once without anyone waiting for them. */
    readonly backgroundAtOnce: number;
    /** Keep-alive of an idle instance unless the function says. */
    readonly keepAliveMs: number;
    /** How long an instance with nothing to do runs on before it is stopped. */
    readonly lingerMs: number;
    /** Keep-alive of a snapshot without instances. */
    readonly snapshotKeepMs: number;
    /** How long a forked child has to greet. */
    readonly greetingMs: number;
  };
  readonly events: {
    /** Largest payload of an asynchronous invocation. */
    readonly payloadBytes: number;
    /** Most deliveries that run at once, and most of one function. */
    readonly inFlight: number;
    readonly perFunction: number;
    /** How long and how many finished deliveries are kept. */
    readonly keepMs: number;
    readonly keepCount: number;
  };
  readonly metering: {
    readonly flushMs: number;
    /** How many days (of UTC, today with them) the record of each invocation is kept; what days came to stays. Null: for ever. */
    readonly keepDays: number | null;
    readonly currency: string;
    /** Exact decimals as text. */
    readonly pricePerGbSecond: string;
    readonly pricePerMillionRequests: string;
    /** A machine kept on for the same work, for comparison. */
    readonly alwaysOnPerHour: string;
  };
}
