import { logGroup, type FunctionVersion } from '../model/function-version.ts';
import { sessionName } from '../model/session-name.ts';
import { RESERVED_VARIABLES } from '../model/reserved-variables.ts';

/** What an environment depends on beside the version. */
export interface EnvironmentOptions {
  readonly taskRoot: string;
  readonly dependencyRoot: string | null;
  /** The function's layers, merged; absent or null: none. */
  readonly layersRoot?: string | null;
  readonly logStream: string;
  /** `/usr/local/bin:/usr/bin:/bin`, with the interpreter's own folder first. */
  readonly path: string;
  /** How the init phase is paid for: `on-demand`, or `snap-start` when instances are forked from its end, which custom runtimes never are. */
  readonly initialization: 'on-demand' | 'snap-start';
  /** Connection string of the database `app` for functions; absent or null: there is none. */
  readonly databaseUrl?: string | null;
  /** Where the function's own AWS clients find Hearth, and what they sign with. */
  readonly aws: { readonly endpoint: string; readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The complete environment of a function's process: Lambda's variables, then the function's own where it may. */
export function functionEnvironment(version: FunctionVersion, o: EnvironmentOptions): Record<string, string> {
  const own = Object.fromEntries(Object.entries(version.environment).filter(([name]) => !RESERVED_VARIABLES.has(name)));
  const search = searchPaths(version.runtime, o);
  return {
    PATH: o.layersRoot ? `${o.layersRoot}/bin:${o.path}` : o.path,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    HOME: '/tmp',
    // onnxruntime would report its use from a thread of its own, which no fork survives. Set to 0 by a function, it may.
    ORT_DISABLE_TELEMETRY: '1',
    ...search,
    // A function that means another endpoint says so, for all services or with AWS_ENDPOINT_URL_S3 and the like for one.
    AWS_ENDPOINT_URL: o.aws.endpoint,
    // Of an instance that is forked, the shim makes it its own.
    ...(o.databaseUrl ? { DATABASE_URL: o.databaseUrl, PGAPPNAME: sessionName(o.logStream) } : {}),
    ...own,
    _HANDLER: version.handler,
    AWS_ACCESS_KEY_ID: o.aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: o.aws.secretAccessKey,
    AWS_REGION: version.region,
    AWS_DEFAULT_REGION: version.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: version.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    // A runtime of AWS's that is brought along would ask for its snapshot, of which there is none.
    AWS_LAMBDA_INITIALIZATION_TYPE: version.runtime.startsWith('provided') ? 'on-demand' : o.initialization,
    AWS_LAMBDA_LOG_GROUP_NAME: logGroup(version),
    ...logVariables(version),
    AWS_LAMBDA_LOG_STREAM_NAME: o.logStream,
    LAMBDA_TASK_ROOT: o.taskRoot,
  };
}

/** What tells a runtime how to log; in text mode that is a function's own affair. */
function logVariables({ logging }: FunctionVersion): Record<string, string> {
  if (logging?.format !== 'JSON') return {};
  return { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? 'INFO' };
}

/** Where a runtime looks for packages beside the function's own (what was installed for it, then its layers, by the paths that Lambda has in /opt), and for native libraries. */
function searchPaths(runtime: string, { taskRoot, dependencyRoot, layersRoot }: EnvironmentOptions): Record<string, string> {
  const layers = layersRoot ?? null;
  const own = `${taskRoot}:${taskRoot}/lib`;
  const found: Record<string, string> = { LD_LIBRARY_PATH: layers === null ? own : `${own}:${layers}/lib` };
  if (runtime.startsWith('nodejs')) {
    const major = /^nodejs(\d+)/.exec(runtime)?.[1] ?? '';
    const paths = [
      ...(dependencyRoot === null ? [] : [`${dependencyRoot}/node_modules`]),
      ...(layers === null ? [] : [`${layers}/nodejs/node${major}/node_modules`, `${layers}/nodejs/node_modules`]),
    ];
    if (paths.length > 0) found['NODE_PATH'] = paths.join(':');
  } else if (runtime.startsWith('python') && layers !== null) {
    found['PYTHONPATH'] = `${layers}/python/lib/${runtime}/site-packages:${layers}/python`;
  }
  return found;
}
