import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { systemContext } from './system-context.ts';
import { asCliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { program } from './program.ts';

const context = systemContext();
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };

try {
  await program(context, version, (code) => (process.exitCode = code)).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    const shown = asCliError(error);
    context.out.error(shown);
    if (process.argv.includes('--json'))
      context.out.json({ error: { message: shown.message, fix: shown.fix, output: shown.output, exitCode: shown.exitCode } });
    process.exitCode = shown.exitCode;
  }
}
