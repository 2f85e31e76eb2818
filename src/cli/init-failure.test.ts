import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { explainInitFailure, type InitFailure } from './init-failure.ts';
import { folder } from './testing/run-hearth.ts';

const ROOT = `/home/me/.hearth/artifacts/code/${'ab'.repeat(32)}/root/`;
const STACK = '\nRequire stack:\n- /opt/hearth/shims/node/loader.cjs\n- /opt/hearth/shims/node/main.cjs';

async function explained(
  raw: string,
  files: Readonly<Record<string, string>>,
  handler = 'index.handler',
): Promise<InitFailure & { at: string }> {
  await using here = await folder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(here.path, path)), { recursive: true });
    await writeFile(join(here.path, path), text);
  }
  return { ...(await explainInitFailure(raw, { name: 'f', folder: here.path, manifest: { handler } })), at: here.path };
}

test('a package that is not installed leads to the file that names packages', async () => {
  const node = await explained(`Error: Cannot find package 'sharp' imported from ${ROOT}index.mjs. Nothing was changed.`, {
    'index.mjs': '',
  });
  assert.equal(node.text, "Error: Cannot find package 'sharp' imported from index.mjs. Nothing was changed.");
  assert.match(String(node.fix), /^add sharp to the dependencies in package\.json in \/.*\(`npm install --ignore-scripts sharp` there\)/);
  const scoped = await explained(
    `Runtime.ImportModuleError: Error: Cannot find module '@aws-sdk/client-s3/x'${STACK}. Nothing was changed.`,
    {},
  );
  assert.equal(scoped.text, "Runtime.ImportModuleError: Error: Cannot find module '@aws-sdk/client-s3/x'. Nothing was changed.");
  assert.match(String(scoped.fix), /^add @aws-sdk\/client-s3 to /);
  const python = (name: string): Promise<InitFailure> =>
    explained(`Unable to import module 'app': No module named '${name}'`, {}, 'app.handler');
  assert.match(String((await python('PIL.Image')).fix), /^add Pillow to requirements\.txt in \//);
  assert.match(String((await python('odd')).fix), /^add what has odd to requirements\.txt in \//);
});

test('a file that is not there leads to the handler, to the folder or to the import', async () => {
  const renamed = await explained(`Runtime.ImportModuleError: Error: Cannot find module 'index'${STACK}`, { 'app.mjs': '', 'a.txt': '' });
  assert.equal(
    renamed.fix,
    `correct \`handler: index.handler\` or \`code:\` in hearth.yaml: there is no file index in ${renamed.at}, but app.mjs`,
  );
  const python = await explained("No module named 'pkg.app'", {}, 'pkg/app.handler');
  assert.match(String(python.fix), /^correct `handler: pkg\/app\.handler` .*: there is no file pkg\/app in [^,]*$/);
  const own = await explained(`Error: Cannot find module '${ROOT}lib/a.mjs' imported from ${ROOT}index.mjs`, {});
  assert.equal(own.text, "Error: Cannot find module 'lib/a.mjs' imported from index.mjs");
  assert.match(String(own.fix), /^put lib\/a\.mjs into \//);
});

test('a module of the function’s own that Python does not look for where it is leads to the import', async () => {
  const message = "Unable to import module 'src/app': No module named 'helper'";
  const beside = await explained(message, { 'src/app.py': '', 'src/helper.py': '' }, 'src/app.handler');
  assert.equal(
    beside.fix,
    `import src.helper, since modules are found from ${beside.at}, or set PYTHONPATH: src in its environment, and deploy again`,
  );
  const below = await explained(message, { 'app.py': '', 'a/b/helper/__init__.py': '' }, 'app.handler');
  assert.match(String(below.fix), /^import a\.b\.helper, .*PYTHONPATH: a\/b in/);
});

test('a handler that is not exported, or no handler at all, leads to hearth.yaml', async () => {
  const missing = await explained('Runtime.HandlerNotFound: index.handlr is undefined or not exported', {}, 'index.handlr');
  assert.equal(missing.fix, 'export the handler, or correct `handler: index.handlr` in hearth.yaml');
  const malformed = await explained('Runtime.MalformedHandlerName: Bad handler', {}, 'index');
  assert.match(String(malformed.fix), /FILE\.FUNCTION in hearth\.yaml, such as index\.handler, not index$/);
});

test('an error of syntax says where it is, in the first file that has one', async () => {
  const files = { 'fine.mjs': 'export default 1;', 'index.mjs': 'export const handler = () => {\n  return 1 +;\n};', 'notes.txt': ';;;(' };
  const { text } = await explained("Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token ';'", files);
  assert.equal(text, 'Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token \';\' (index.mjs:2:13: Unexpected ";")');
  const python = "Runtime.UserCodeSyntaxError: Syntax error in module 'app': invalid syntax (app.py, line 2)";
  assert.deepEqual(await explained(python, files).then((f) => [f.text, f.fix]), [python, null]);
});

test('what the handler’s own code threw is left as it is', async () => {
  assert.deepEqual(await explained('Error: no model', {}).then((f) => [f.text, f.fix]), ['Error: no model', null]);
});
