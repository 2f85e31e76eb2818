import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { RUNTIME_NAMES } from '../../model/runtime-names.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { makeFolders, removeFolders } from '../folders.ts';
import { shellWord } from '../shell-word.ts';

export interface InitOptions {
  readonly runtime: string;
  readonly json?: boolean;
}

/** `hearth init`: a function that says hello, and the hearth.yaml that deploys it. Never overwrites, and writes all or nothing. */
export async function init(context: Context, folder: string | undefined, options: InitOptions): Promise<ExitCode> {
  const target = resolve(context.cwd, folder ?? '.');
  const name = functionName(basename(target));
  const files = [...filesFor(name, options.runtime), ['.hearth/hearth.schema.json', await schema()] as const];
  for (const [path] of files) await absent(join(target, path));
  await write(target, files);
  const made = files.map(([path]) => path);
  const { out } = context;
  if (options.json) out.json({ folder: target, files: made });
  else {
    for (const path of made) out.note(`made ${relative(context.cwd, join(target, path))}`);
    const into = relative(context.cwd, target);
    out.note(`\nnext:${into === '' ? '' : ` cd ${shellWord(into)} &&`} hearth up`);
  }
  return EXIT.ok;
}

/** All of the files, or none: where one can't be written, those before it are removed with the folders that were made for them. */
async function write(target: string, files: readonly (readonly [string, string])[]): Promise<void> {
  const made: string[] = [];
  const folders: string[] = [];
  try {
    for (const [path, text] of files) {
      const file = join(target, path);
      folders.push(...(await makeFolders(dirname(file))));
      await writeFile(file, text, { flag: 'wx' });
      made.push(file);
    }
  } catch (error) {
    for (const file of made) await rm(file, { force: true });
    await removeFolders(folders);
    throw new CliError(`can't write a function into ${target}: ${(error as Error).message}`, {
      fix: 'name another folder, one that you may write to: `hearth init FOLDER`',
      cause: error,
    });
  }
}

async function absent(path: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) throw new CliError(`${path} is there already`, { fix: 'name another folder: `hearth init FOLDER`' });
}

/** After its folder: two projects on one server that both have a `hello` would take it from each other. */
function functionName(folder: string): string {
  const plain = folder.normalize('NFKD').replace(/\p{Mark}/gu, '');
  const name = plain
    .replace(/[^a-zA-Z0-9_]+/g, '-')
    .slice(0, 64)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'hello' : name;
}

function filesFor(name: string, runtime: string): readonly (readonly [string, string])[] {
  const known = (RUNTIME_NAMES as readonly string[]).includes(runtime);
  if (known && /^nodejs\d+\.x$/.test(runtime))
    return [
      ['hearth.yaml', yaml(name, runtime, 'index.handler')],
      [`${name}/index.mjs`, NODE],
    ];
  if (known && /^python3\.\d+$/.test(runtime))
    return [
      ['hearth.yaml', yaml(name, runtime, 'lambda_function.lambda_handler')],
      [`${name}/lambda_function.py`, PYTHON],
    ];
  throw new CliError(`there is no first function for the runtime ${runtime}`, {
    fix: 'choose nodejs20.x, nodejs22.x, nodejs24.x or python3.9 and later',
  });
}

/** A copy beside the file, so that editors complete it on any machine, also offline. */
function schema(): Promise<string> {
  return readFile(new URL('../../../../schema/hearth.schema.json', import.meta.url), 'utf8');
}

function yaml(name: string, runtime: string, handler: string): string {
  return `# yaml-language-server: $schema=.hearth/hearth.schema.json
functions:
  ${name}:
    runtime: ${runtime}
    handler: ${handler}
    code: ./${name}
    memoryMb: 128
    timeoutSeconds: 10
    url: { auth: none }
`;
}

const NODE = `// Runs once, before the first instance is forked: load what is slow here.
const startedAt = new Date().toISOString();

export async function handler(event, context) {
  const name = event.name ?? event.queryStringParameters?.name ?? 'world';
  console.log(\`saying hello to \${name}\`);
  return { message: \`Hello, \${name}!\`, startedAt, requestId: context.awsRequestId };
}
`;

const PYTHON = `from datetime import datetime, timezone

# Runs once, before the first instance is forked: load what is slow here.
STARTED_AT = datetime.now(timezone.utc).isoformat()


def lambda_handler(event, context):
    name = event.get("name") or (event.get("queryStringParameters") or {}).get("name") or "world"
    print(f"saying hello to {name}")
    return {"message": f"Hello, {name}!", "startedAt": STARTED_AT, "requestId": context.aws_request_id}
`;
