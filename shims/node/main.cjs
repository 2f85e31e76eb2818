'use strict';
// Entry point of every process that runs Node.js functions: greets the host and becomes what it is told.
require('./native-buffer.cjs');
const native = require('./native.cjs');
const log = require('./log.cjs');
const reseed = require('./reseed.cjs');
const { compileWaiting } = require('./compile-waiting.cjs');
const { redirectOutput, takeFirstSteps } = require('./child.cjs');
const { errorDocument, fitting, loggable, unhandledRejection } = require('./failures.cjs');
const { Frame } = require('./frames.cjs');
const { capabilities, greet, sayHello } = require('./greeting.cjs');
const { calibrate } = require('./idle.cjs');
const { fillHoles } = require('./holes.cjs');
const hooks = require('./hooks.cjs');
const { initialise, startThreadPool } = require('./init.cjs');
const { Link } = require('./link.cjs');
const { Orders } = require('./orders.cjs');
const { becomeProgram, beginConfined } = require('./program.cjs');
const { Practice, rehearse, rehearseHandler } = require('./rehearse.cjs');
const { tidyUp } = require('./rubbish.cjs');
const { servingOf } = require('./streaming.cjs');

const EXIT_SHIM_FAILED = 70;
const EXIT_UNHANDLED_REJECTION = 128; // these two are AWS's
const EXIT_UNCAUGHT_EXCEPTION = 129;
/** A zygote that had nothing to do for so long goes on with its practice. */
const QUIET_MS = 20;
const EXIT_UNSETTLED = 13; // Node.js's own for a top-level await that never ends

/** What to do about an error that nobody caught; depends on the phase. */
let onFatal = async () => {};

function installProcess() {
  log.install();
  reseed.install();
  hooks.offer();
  // Node.js would tear down threads on exit that a forked process does not have.
  process.reallyExit = (code) => native._exit(code ?? 0);
  const fatal = async (label, error, code) => {
    try {
      console.error(label, loggable(error));
    } catch {
      // Told by a function's own console, or of an error that can't be looked at: it would be told for ever.
    }
    try {
      await onFatal(error);
    } finally {
      process.exit(code);
    }
  };
  process.on('uncaughtException', (error) => void fatal('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION));
  process.on(
    'unhandledRejection',
    (reason, promise) => void fatal('Unhandled Promise Rejection', unhandledRejection(reason, promise), EXIT_UNHANDLED_REJECTION),
  );
}

/** A place in the event loop where nothing is half handled. */
const checkPhase = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Forks on the host's orders, in the check phase, with no turn of the event loop before: a snapshot runs none. A zygote, which has no user code,
 * practises while there is nothing to do. Resolves in each child only, as the process it has become.
 */
async function forkOnOrders({ link }, fn, practice) {
  const instance = fn === null || hooks.restores() ? null : instanceOf(fn); // hooks turn the event loop before anybody may listen to the host
  compileWaiting();
  tidyUp();
  if (practice === null) {
    fillHoles();
    native.smallPages(); // its children's, too
  }
  const orders = new Orders(link);
  for (;;) {
    const order = orders.wait(practice === null || practice.over, QUIET_MS);
    if (order !== null) {
      const self = takeFirstSteps(order, fn?.files ?? []);
      if (instance === null) return become(self, fn, order.logStream);
      sayHello(self); // what else can a snapshot's child be? It gets ready while its greeting is on its way
      return instance.open(self.link, self.token, order.logStream);
    }
    await practice.some();
    await checkPhase();
    if (practice.over) {
      tidyUp();
      fillHoles();
    }
  }
}

/** The instance that this process will be, or each of its children. */
function instanceOf(fn) {
  const Serving = servingOf(fn);
  const instance = new Serving(fn, () => native._exit(0));
  onFatal = (error) => instance.abandon(error);
  return instance;
}

/** A phase whose failure is told to the host by `initError` and ends the process. Returns what `run` resolved with and how long it took. */
async function phase({ link }, run) {
  const startedAt = process.hrtime.bigint();
  const sinceMs = () => Number(process.hrtime.bigint() - startedAt) / 1e6;
  const fail = async (error, named = {}) =>
    link.send(Frame.initError, 0, { ...fitting(errorDocument(error)), ...named, durationMs: sinceMs() });
  const unsettled = () => process.exit(EXIT_UNSETTLED);
  onFatal = fail;
  process.on('beforeExit', unsettled);
  try {
    const result = await run();
    return { result, durationMs: sinceMs() };
  } catch (thrown) {
    const hook = thrown instanceof hooks.HookFailed;
    const error = hook ? thrown.cause : thrown;
    console.error('Uncaught Exception', loggable(error));
    await fail(error, hook ? { runtimeErrorType: thrown.errorType } : {});
    return process.exit(EXIT_UNCAUGHT_EXCEPTION);
  } finally {
    process.off('beforeExit', unsettled);
  }
}

async function runFunction(self, order) {
  const forkable = capabilities.includes('fork');
  const { result } = await phase(self, async () => {
    const rehearsal = (handler) => rehearseHandler(functionOf(order, handler), order.rehearsal);
    const made = await initialise(order, { forkable, rehearse: rehearsal });
    const unforkable = order.snapshot && !forkable ? NOT_FORKABLE : made.unforkable;
    const forks = order.snapshot && unforkable === null;
    if (forks) await checkPhase(); // the last turn of the loop: timers of the function's fire in instances only from here on
    else await hooks.runAfterRestore();
    return { ...made, unforkable, forks };
  });
  const { report, unforkable, forks } = result;
  self.link.send(Frame.initDone, 0, { ...report, unforkable, restores: forks && hooks.restores() });
  const fn = { ...functionOf(order, result.handler), files: result.files };
  if (forks) return forkOnOrders(self, fn, null);
  native.smallPages();
  return instanceOf(fn).open(self.link, self.token, order.logStream);
}

const NOT_FORKABLE = 'this Node.js was not started with --single-threaded on Linux, so it cannot be forked';

const functionOf = (order, handler) => ({ order, handler, logStream: order.logStream });

const NOTHING_LOADED = { setUpMs: 0, importMs: 0, slowestModules: [], unforkable: null, restores: false };

/** A forked instance of a function with hooks: the host waits for `initDone` before it gives it work. */
async function resume(self, fn, logStream) {
  const { durationMs } = await phase(self, hooks.runAfterRestore);
  self.link.send(Frame.initDone, 0, { ...NOTHING_LOADED, durationMs, userMs: durationMs });
  instanceOf(fn).open(self.link, self.token, logStream);
}

async function become(self, fn, logStream) {
  const welcome = greet(self);
  switch (welcome.role) {
    case 'zygote':
      await startThreadPool();
      await rehearse();
      await checkPhase();
      return forkOnOrders(self, null, new Practice());
    case 'function':
      return runFunction(self, welcome);
    case 'program':
      return becomeProgram(self.link, welcome);
    case 'instance':
      return resume(self, fn, logStream);
    default:
      throw new Error(`the host asks for the unknown role ${welcome.role}`);
  }
}

async function main() {
  const { HEARTH_CONFINE: steps, HEARTH_LOG_SOCKET: logSocket, ...env } = process.env;
  const { HEARTH_SOCKET: socket, HEARTH_TOKEN: token, HEARTH_UNCONFINED: unconfined = '[]' } = env;
  if (!socket || !token) throw new Error('HEARTH_SOCKET and HEARTH_TOKEN must be set: this program is started by Hearth');
  for (const name of Object.keys(process.env)) if (name.startsWith('HEARTH_')) delete process.env[name];
  installProcess();
  if (logSocket) redirectOutput({ logSocket, token });
  else log.keepPrivate();
  if (steps) return beginConfined(JSON.parse(steps), env);
  await calibrate();
  await become({ link: Link.connect(socket), token, unconfined: JSON.parse(unconfined) }, null, null);
}

main().catch((error) => {
  process.stderr.write(`hearth: ${error.stack}\n`);
  native._exit(EXIT_SHIM_FAILED);
});
