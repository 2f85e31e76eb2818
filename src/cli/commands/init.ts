import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface InitOptions {
  readonly runtime: string;
  readonly json?: boolean;
}

/** `hearth init`: a function that says hello, and the hearth.yaml that deploys it. Never overwrites. */
export async function init(context: Context, folder: string | undefined, options: InitOptions): Promise<ExitCode> {
  const target = resolve(context.cwd, folder ?? '.');
  const files = [...filesFor(options.runtime), ['.hearth/hearth.schema.json', await schema()] as const];
  const made: string[] = [];
  for (const [path, text] of files) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw new CliError(`${join(target, path)} is there already`, { fix: 'name another folder: `hearth init FOLDER`', cause: error });
    });
    made.push(path);
  }
  const { out } = context;
  if (options.json) out.json({ folder: target, files: made });
  else {
    for (const path of made) out.note(`made ${relative(context.cwd, join(target, path))}`);
    const into = relative(context.cwd, target);
    out.note(`\nnext:${into === '' ? '' : ` cd ${into} &&`} hearth up`);
  }
  return EXIT.ok;
}

function filesFor(runtime: string): readonly (readonly [string, string])[] {
  if (/^nodejs\d+\.x$/.test(runtime))
    return [
      ['hearth.yaml', yaml(runtime, 'index.handler')],
      ['hello/index.mjs', NODE],
    ];
  if (/^python3\.\d+$/.test(runtime))
    return [
      ['hearth.yaml', yaml(runtime, 'lambda_function.lambda_handler')],
      ['hello/lambda_function.py', PYTHON],
    ];
  throw new CliError(`there is no first function for the runtime ${runtime}`, {
    fix: 'choose nodejs20.x, nodejs22.x, nodejs24.x or python3.9 and later',
  });
}

/** A copy beside the file, so that editors complete it on any machine, also offline. */
function schema(): Promise<string> {
  return readFile(new URL('../../../../schema/hearth.schema.json', import.meta.url), 'utf8');
}

function yaml(runtime: string, handler: string): string {
  return `# yaml-language-server: $schema=.hearth/hearth.schema.json
functions:
  hello:
    runtime: ${runtime}
    handler: ${handler}
    code: ./hello
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
