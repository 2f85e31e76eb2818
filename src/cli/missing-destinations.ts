import type { Deployed } from '../client/answers.ts';
import type { Outcome } from './deployment.ts';
import type { DeclaredFunction } from './hearth-file.ts';

type Missing = NonNullable<Deployed['missing']>[number];

/**
 * Says of each function which destinations it names that are not there. Functions of one file are deployed in any order, and their triggers make queues and
 * buckets: what one of `declared` brings is there, or its own failure is told.
 */
export async function withMissing(outcomes: readonly Outcome[], declared: readonly DeclaredFunction[]): Promise<readonly Outcome[]> {
  if (!outcomes.some((o) => 'deployed' in o && (o.deployed.missing ?? []).length > 0)) return outcomes;
  const brought = await broughtBy(declared);
  return outcomes.map((outcome) => {
    if (!('deployed' in outcome)) return outcome;
    const { deployed } = outcome;
    const said = (deployed.missing ?? []).filter(({ kind, name }) => !brought.has(`${kind} ${name}`)).map(inWords);
    return { ...outcome, deployed: { ...deployed, warnings: [...deployed.warnings, ...said] } };
  });
}

/** Loaded where it is needed only: the schema costs more than most commands. */
async function broughtBy(declared: readonly DeclaredFunction[]): Promise<ReadonlySet<string>> {
  const { parseFunctionManifest } = await import('../model/manifest.ts');
  return new Set(
    declared.flatMap(({ name, manifest }) => [
      `function ${name}`,
      ...parseFunctionManifest(manifest).triggers.flatMap(({ queue, objects }) => [
        ...(queue === undefined ? [] : [`queue ${queue.queue}`]),
        ...(objects === undefined ? [] : [`bucket ${objects.bucket}`]),
      ]),
    ]),
  );
}

const MADE_BY: Readonly<Record<Missing['kind'], (name: string) => string>> = {
  function: () => 'deploy one of that name, or correct the name',
  queue: (name) => `\`aws sqs create-queue --queue-name ${name}\` makes it, or correct the name`,
  bucket: (name) => `\`aws s3 mb s3://${name}\` makes it, or correct the name`,
};

function inWords({ at, kind, name }: Missing): string {
  return `${at}: there is no ${kind} ${name}, and what is to go there fails until there is: ${MADE_BY[kind](name)}`;
}
