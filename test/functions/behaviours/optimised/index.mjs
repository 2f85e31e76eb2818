import { createHash } from 'node:crypto';
import v8 from 'node:v8';

const bytes = new Uint8Array(8);
const hot = (n) => bytes[n & 7] + n;

v8.setFlagsFromString('--allow-natives-syntax');
const optimise = new Function('f', '%PrepareFunctionForOptimization(f); f(1); f(2); %OptimizeFunctionOnNextCall(f); f(3);');
const stateOf = new Function('of', 'return %GetOptimizationStatus(of)');
const plain = stateOf(hot);
optimise(hot);
const optimised = stateOf(hot);

/** Whether what V8 optimised during init still is when native code has made a Buffer. */
export const handler = async () => {
  const digest = createHash('sha256').update('a').digest();
  hot(digest.length);
  return { optimised: optimised !== plain, still: stateOf(hot) === optimised };
};
