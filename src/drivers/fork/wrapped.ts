import { InitFailure } from '../../fleet/driver.ts';
import type { InstanceSpec, StartSpec } from '../../fleet/driver.ts';
import type { Interpreter } from '../../runtimes/interpreters.ts';
import { OutputLines } from '../exec/output-lines.ts';
import { initExited, initTimedOut } from '../endings.ts';
import { ENDING_MS } from './processes.ts';
import type { Newborn, Processes } from './processes.ts';
import type { Programs } from './programs.ts';
import { onThisMachine } from '../../sandbox/layout.ts';
import { command, shimFolders } from './zygotes.ts';

/** A shell's own statuses. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

interface WrappedStart {
  readonly wrapper: string;
  readonly interpreter: Interpreter;
  readonly spec: StartSpec;
  readonly instance: InstanceSpec;
  /** The complete environment; what the wrapper adds to it counts, too. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts a runtime as its wrapper script has it: the script is given the runtime's command line, and is confined as the runtime will be. Null where
 * nothing can be confined that way. Rejects with InitFailure when the script ends, or takes the whole init phase, before the runtime greets.
 */
export async function startWrapped(processes: Processes, programs: Programs, o: WrappedStart): Promise<Newborn | null> {
  const { wrapper, interpreter, spec, instance } = o;
  const { switchboard, options } = processes;
  const startedAtMs = options.clock.monotonic();
  const failed = { requestId: instance.instanceId };
  const since = (): { requestId: string; durationMs: number } => ({ ...failed, durationMs: options.clock.monotonic() - startedAtMs });
  const { argv, env } = command(interpreter, options.shims);
  const awaited = processes.await(instance.log, spec.version.scaling.concurrency, 'instance');
  const sockets = { HEARTH_SOCKET: switchboard.socketPath, HEARTH_TOKEN: awaited.token, HEARTH_LOG_SOCKET: switchboard.logPath };
  try {
    const program = await programs
      .spawn({
        argv: [onThisMachine(wrapper, { taskRoot: spec.taskRoot, layersRoot: spec.layersRoot ?? null }), ...argv],
        env: { ...o.environment, AWS_LAMBDA_LOG_STREAM_NAME: instance.logStream, ...env, ...sockets },
        cwd: spec.taskRoot,
        spec,
        instanceId: instance.instanceId,
        needed: shimFolders(options.shims, interpreter.language),
      })
      .catch((error: unknown) => notExecuted(error, since()));
    if (program === null) {
      awaited.log.end();
      return null;
    }
    const output = new OutputLines(instance.log, [program.stdout, program.stderr]); // of the script: the runtime has a log of its own
    void program.exited.then(() => output.end());
    return await processes.greeted(program.pid, awaited, spec.initTimeoutMs, program.exited).catch(async (error: unknown) => {
      const ended = since();
      if (ended.durationMs >= spec.initTimeoutMs) throw initTimedOut(spec.initTimeoutMs, ended);
      const status = await processes.within(program.exited, ENDING_MS);
      throw status === null ? error : initExited(status, ended);
    });
  } catch (error) {
    awaited.log.end();
    throw error;
  }
}

/** What keeps a wrapper from being executed is the function's doing, said as the shell would that AWS starts it from. */
function notExecuted(error: unknown, at: { requestId: string; durationMs: number }): never {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof InitFailure || code === undefined) throw error;
  if (code === 'ENOENT' || code === 'ENOTDIR') throw initExited({ code: NOT_FOUND, signal: null }, at);
  if (code === 'EACCES' || code === 'ENOEXEC') throw initExited({ code: NOT_EXECUTABLE, signal: null }, at);
  throw error;
}
