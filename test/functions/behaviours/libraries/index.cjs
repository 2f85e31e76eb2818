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
};

const ready = uses[LIBRARY]();
exports.handler = async () => ({
  result: await (await ready)(),
  cpus: os.availableParallelism(),
  threads: readdirSync('/proc/self/task').length,
  variable: process.env.OMP_NUM_THREADS ?? null,
});
