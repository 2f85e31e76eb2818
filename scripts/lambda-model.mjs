// node scripts/lambda-model.mjs SERVICE-2.JSON [OUT OPERATION...]: writes what Hearth needs of AWS's own model of an API (botocore, Apache-2.0):
// operations, where each member of a request and an answer lies, and constraints. Documentation is left out. Without OUT: Lambda's, whole, to
// src/control/lambda/model/lambda.json. With it: these operations, to OUT.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LAMBDA = fileURLToPath(new URL('../src/control/lambda/model/lambda.json', import.meta.url));

/** Where its model leaves out the sovereign cloud of Europe, which the patterns in AWS's answers have. */
const REGION = '([a-z]{2}(';
/** Patterns and orders in which AWS was recorded to answer otherwise than its model says. */
const RECORDED = {
  LayerVersionArn: {
    max: 2048,
    pattern:
      '(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)',
  },
  InvokeMode: { enum: ['RESPONSE_STREAM', 'BUFFERED'] },
  RecursiveLoop: { enum: ['Terminate', 'Allow'] },
  Timeout: { min: 1, max: 900 },
  // Lambda proper checks these, with texts of its own.
  Runtime: { enum: undefined },
  ReservedConcurrentExecutions: { min: undefined },
};

const [, , source, out = LAMBDA, ...wanted] = process.argv;
if (source === undefined) throw new Error('usage: node scripts/lambda-model.mjs PATH/TO/service-2.json [OUT OPERATION...]');
const model = JSON.parse(readFileSync(source, 'utf8'));
const operations = Object.fromEntries(
  Object.entries(model.operations)
    .filter(([name]) => wanted.length === 0 || wanted.includes(name))
    .map(([name, o]) => [name, operation(o)]),
);
const used = new Set();
for (const { input, output } of Object.values(operations)) [input, output].forEach((name) => name !== undefined && reach(name));
const shapes = Object.fromEntries([...used].sort((a, b) => (a < b ? -1 : 1)).map((name) => [name, shape(name, model.shapes[name])]));
const errors = Object.fromEntries(
  Object.entries(model.shapes)
    .filter(([, s]) => s.exception === true)
    .map(([name, s]) => [
      name,
      {
        status: s.error?.httpStatusCode ?? (model.metadata.protocol === 'json' ? 400 : 500),
        text: 'Message' in s.members ? 'Message' : 'message',
      },
    ]),
);
const header = { from: 'botocore, Apache-2.0; see NOTICE and scripts/lambda-model.mjs', apiVersion: model.metadata.apiVersion };
const lines = (o) =>
  Object.entries(o)
    .map(([k, v]) => `    ${JSON.stringify(k)}: ${JSON.stringify(v)}`)
    .join(',\n');
writeFileSync(
  out,
  `{\n  "about": ${JSON.stringify(header)},\n  "operations": {\n${lines(operations)}\n  },\n  "shapes": {\n${lines(shapes)}\n  },\n  "errors": {\n${lines(errors)}\n  }\n}\n`,
);

function operation({ http, input, output, errors }) {
  return {
    method: http.method,
    uri: http.requestUri,
    status: http.responseCode ?? 200,
    ...(input && { input: input.shape }),
    ...(output && { output: output.shape }),
    errors: (errors ?? []).map((e) => e.shape),
  };
}

function reach(name) {
  if (used.has(name)) return;
  used.add(name);
  const s = model.shapes[name];
  [s.member, s.key, s.value, ...Object.values(s.members ?? {})].forEach((ref) => ref !== undefined && reach(ref.shape));
}

function shape(name, s) {
  const { type, min, max, required, payload, sensitive } = s;
  const pattern = out === LAMBDA ? s.pattern?.replace(REGION, '((eusc-)?[a-z]{2}(') : s.pattern;
  const members = s.members && Object.fromEntries(Object.entries(s.members).map(([n, m]) => [n, member(m)]));
  const refs = { member: s.member?.shape, key: s.key?.shape, value: s.value?.shape };
  return {
    type,
    min,
    max,
    pattern,
    enum: s.enum,
    sensitive,
    required,
    payload,
    ...refs,
    members,
    ...(out === LAMBDA ? RECORDED[name] : {}),
  };
}

/** The name of the shape alone where that is all there is to say. */
function member({ shape: of, location, locationName }) {
  return location === undefined ? of : { shape: of, location, name: locationName };
}
