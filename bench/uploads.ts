import type { Bench } from './bench.ts';
import { measureUploads, SIZES, UPLOADS_NOTE, uploadTable } from './events/uploads.ts';
import { BenchHearth } from './hearth.ts';
import { chosen } from './options.ts';

export const uploads: Bench = {
  name: 'uploads',
  what: 'uploads of 100 kB and 100 MB: MB a second beside bare files, and the memory of the server',
  run: async (context) => {
    const only = chosen(
      'only',
      context.options.only,
      SIZES.map(({ name }) => name),
    );
    const hearth = await BenchHearth.start(context.releases, await BenchHearth.makeHome(context.releases));
    const rows = await measureUploads(hearth, context, only);
    return { tables: [uploadTable(rows)], notes: [UPLOADS_NOTE], figures: { rows, uploadMbPerSecond: rows.at(-1)?.mbPerSecond ?? null } };
  },
};
