// As a library does that makes a daemon of its process.
import { closeSync, fstatSync } from 'node:fs';

for (const fd of [0, 1, 2]) closeSync(fd);

export const handler = async () => {
  console.log('printed by the handler');
  process.stdout.write('written by the handler\n');
  return [0, 1, 2].map((fd) => fstatSync(fd).isSocket());
};
