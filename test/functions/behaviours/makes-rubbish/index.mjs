import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Makes rubbish and collects all of it, event.rounds times. */
export const handler = async (event) => {
  let kept = [];
  for (let i = 0; i < event.rounds; i++) {
    kept = Array.from({ length: 10_000 }, (_, j) => ({ i, j, text: `object ${i}` }));
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return kept.length;
};
