// Writes schema/hearth.schema.json from the zod schema. Needs a build: npm run build && node scripts/schema.mjs
import { writeFileSync } from 'node:fs';
import { manifestJsonSchema } from '../dist/src/model/manifest.js';

const path = new URL('../schema/hearth.schema.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
