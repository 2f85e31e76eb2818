import { InitFailure } from '../../fleet/driver.ts';
import type { InstanceSpec, StartSpec } from '../../fleet/driver.ts';
import { deferred } from '../../lib/deferred.ts';
import { logGroup } from '../../model/function-version.ts';
import type { InitReport } from '../../model/instance.ts';
import type { Step, StepOf } from '../../model/waterfall.ts';
import { FrameError, decodeJson, encodeJsonFrame } from '../../runtimes/frames.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { InitDone, Welcome } from '../../runtimes/protocol.ts';
import { initSteps } from './birth-steps.ts';
import { figureIn } from './figure.ts';
import { readInitDone } from './init-report.ts';
import { initExited, initTimedOut } from '../endings.ts';
import { ENDING_MS } from './processes.ts';
import type { Newborn, Processes } from './processes.ts';

/** The welcome of a process that is to run a function. */
export function functionWelcome(
  spec: StartSpec,
  instance: InstanceSpec,
  o: { snapshot: boolean; wrapped: boolean; taskRoot: string; answerBytes: number },
): Buffer {
  const { version } = spec;
  const welcome: Welcome = {
    protocol: PROTOCOL_VERSION,
    role: 'function',
    handler: version.handler,
    taskRoot: o.taskRoot,
    dependencyRoot: spec.dependencyRoot,
    environment: spec.environment,
    wrapped: o.wrapped,
    functionName: version.name,
    functionVersion: version.version,
    memoryMb: version.memoryMb,
    logGroup: logGroup(version),
    logStream: instance.logStream,
    concurrency: version.scaling.concurrency,
    snapshot: o.snapshot,
    answerBytes: o.answerBytes,
    rehearsal: version.rehearsal,
    awaited: spec.onDemand,
  };
  return encodeJsonFrame(Frame.welcome, 0, welcome);
}

type Outcome = { readonly done: InitDone } | { readonly failed: InitFailure } | { readonly ended: true };

/**
 * Welcomes the process and waits until its init phase has ended one way or another. Rejects with InitFailure when that is the function's doing;
 * then nothing of the process is left.
 */
export async function runInit(
  processes: Processes,
  newborn: Newborn,
  o: { welcome: Buffer; limitMs: number; requestId: string; of: StepOf },
): Promise<{ init: InitReport; steps: Step[]; /** Whether instances forked from it have hooks to run first. */ restores: boolean }> {
  const { clock } = processes.options;
  const startedAtMs = clock.monotonic();
  const outcome = deferred<Outcome>();
  newborn.peer.handle((type, _request, payload) => outcome.resolve(read(type, payload, clock.monotonic() - startedAtMs)));
  newborn.peer.onClose(() => outcome.resolve({ ended: true }));
  void newborn.status.then(() => outcome.resolve({ ended: true }));
  newborn.peer.write(o.welcome);
  const result = await processes.within(outcome.promise, o.limitMs);
  if (result !== null && 'done' in result) {
    const { durationMs, slowestModules, unforkable } = result.done;
    const steps = initSteps(o.of, startedAtMs, result.done, clock.monotonic());
    return { init: { durationMs, slowestModules, unforkable }, steps, restores: result.done.restores };
  }
  // A machine that is busy, or was suspended, notices late; who is billed for the whole limit is so for no more.
  const durationMs = result === null ? o.limitMs : clock.monotonic() - startedAtMs;
  // What ended by itself may still have something to say; who took too long has not.
  const status = result === null ? null : await processes.within(newborn.status, ENDING_MS);
  await processes.supervisor.kill(newborn.pid);
  await processes.within(newborn.log.closed, ENDING_MS);
  newborn.peer.drop();
  newborn.log.end();
  const at = { requestId: o.requestId, durationMs };
  if (result === null) throw initTimedOut(o.limitMs, at);
  if ('failed' in result) throw result.failed;
  throw initExited(status ?? { code: null, signal: 'SIGKILL' }, at);
}

function read(type: number, payload: Buffer, elapsedMs: number): Outcome {
  const message = decodeJson(payload);
  if (type === Frame.initDone) return { done: readInitDone(message, elapsedMs) };
  if (type !== Frame.initError) throw new FrameError(`frame of type ${type} from an init phase`);
  const { durationMs: said, runtimeErrorType, ...document } = message;
  const durationMs = figureIn(said, elapsedMs);
  return { failed: new InitFailure(String(runtimeErrorType ?? message['errorType']), Buffer.from(JSON.stringify(document)), durationMs) };
}
