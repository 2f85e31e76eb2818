import { basename } from 'node:path';
import { word } from './word.js';

export const inner = {
  handler: async (event) => ({ file: basename(import.meta.url), word, later: (await import('./later.mjs')).default }),
};
