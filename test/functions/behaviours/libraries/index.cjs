// Uses one library during init, the way functions do, and again in the handler. LIBRARY says which, MODE how.
const os = require('node:os');
const { readdirSync } = require('node:fs');
const { LIBRARY, MODE } = process.env;
/** y = -x, of four numbers. */
const NEGATES = Buffer.from('CAg6MgoLCgF4EgF5IgNOZWcSAWdaDwoBeBIKCggIARIECgIIBGIPCgF5EgoKCAgBEgQKAggEQgQKABAN', 'base64');

const uses = {
  async onnxruntime() {
    const ort = require('onnxruntime-node');
    const session = await ort.InferenceSession.create(NEGATES, MODE === 'threads' ? { intraOpNumThreads: 2 } : {});
    const run = async () => {
      const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2, 3, 4], [4]) });
      return [...y.data];
    };
    await run();
    return run;
  },
  async sharp() {
    const sharp = require('sharp');
    const run = async () => (await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } }).resize(8).raw().toBuffer()).length;
    if (MODE === 'threads') await run();
    return run;
  },
  /** The library itself, as a native addon that brings it would use it. */
  openblas() {
    const library = require('koffi').load(process.env.LIBRARY_FILE);
    const dot = library.func('double scipy_cblas_ddot64_(int64_t, double *, int64_t, double *, int64_t)');
    const multiply = library.func(
      'void scipy_cblas_dgemm64_(int, int, int, int64_t, int64_t, int64_t, double, double *, int64_t, double *, int64_t, double, _Inout_ double *, int64_t)',
    );
    const size = 300;
    const ones = new Float64Array(size * size).fill(1);
    const run = () => {
      const product = new Float64Array(size * size);
      multiply(101, 111, 111, size, size, size, 1, ones, size, ones, size, 0, product, size);
      return dot(size * size, product, 1, ones, 1);
    };
    run();
    return run;
  },
  /** A team of OpenMP's that counts itself: glibc's sched_yield is what each member runs. */
  openmp() {
    const koffi = require('koffi');
    const library = koffi.load(process.env.LIBRARY_FILE);
    const parallel = library.func('void GOMP_parallel(void *, void *, unsigned int, unsigned int)');
    const most = library.func('int omp_get_max_threads()');
    const member = koffi.load('libc.so.6').func('void *dlsym(void *, const char *)')(null, 'sched_yield');
    const run = () => {
      parallel(member, null, 0, 0);
      return most();
    };
    run();
    return run;
  },
};

const ready = uses[LIBRARY]();
let before = 0;
exports.handler = async () => ({
  before: before++,
  result: await (await ready)(),
  cpus: os.availableParallelism(),
  threads: readdirSync('/proc/self/task').length,
  variable: process.env.OMP_NUM_THREADS ?? null,
});
