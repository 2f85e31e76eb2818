import {
  LAMBDA,
  placeOf,
  shapeNamed,
  shapeOf,
  type ApiModel,
  type OperationModel,
  type ShapeModel,
} from '../src/control/lambda/model/model.ts';
import { INVOCATIONS } from '../src/control/lambda/operations.ts';

/** One request to an API. */
export interface FuzzCase {
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer | null;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Requests of each operation. */
  readonly each: number;
  /** A function that is there. */
  readonly functionName: string;
  /** Left out: Lambda's. */
  readonly api?: ApiModel;
}

/** Requests of every operation of the model, made from it: some as it wants them, most not. The same seed makes the same requests. */
export function* fuzzCases({ seed, each, functionName, api = LAMBDA }: FuzzOptions): Generator<FuzzCase> {
  const maker = new Maker(seed, functionName, api);
  // What deletes comes last, or the rest would find nothing.
  const operations = Object.entries(api.operations).sort(([a], [b]) => Number(a.startsWith('Delete')) - Number(b.startsWith('Delete')));
  for (const [operation, model] of operations) {
    if (INVOCATIONS.includes(operation)) continue;
    for (let n = 0; n < each; n++) yield maker.request(operation, model, n);
  }
}

const RUBBISH: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  '',
  ' ',
  '\0',
  '../../etc/passwd',
  '%00%ff',
  'x'.repeat(5000),
  '💥',
  "'; drop table hearth.function; --",
  [],
  [null],
  [[]],
  {},
  { a: null },
  { __proto__: null, constructor: 1 },
  '$LATEST',
  'arn:aws:lambda:us-east-1:000000000000:function:fuzzed:1',
];

const BODIES: readonly (string | Buffer)[] = [
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '{"a":',
  Buffer.from([0xff, 0xfe, 0x00]),
  '<xml/>',
  '{"FunctionName":{"a":1}}',
  '1e999',
];

class Maker {
  readonly #random: () => number;
  readonly #functionName: string;
  readonly #api: ApiModel;

  constructor(seed: number, functionName: string, api: ApiModel) {
    this.#api = api;
    this.#random = randomFrom(seed);
    this.#functionName = functionName;
  }

  /** The first three of an operation are as good as the model lets us make it. */
  request(operation: string, model: OperationModel, n: number): FuzzCase {
    const wild = n < 3 ? 0 : this.#random() * 0.6;
    const shape: ShapeModel = model.input === undefined ? { type: 'structure' } : shapeNamed(model.input, this.#api);
    let [url = '', constant = ''] = model.uri.split('?');
    const query = new URLSearchParams(constant);
    const headers: Record<string, string> = { 'content-type': this.#pick(['application/json', 'application/x-amz-json-1.1', 'text/html']) };
    const body: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const place = placeOf(member);
      const wanted = place?.location === 'uri' || shape.required?.includes(name) === true;
      if (!wanted && this.#random() < (n < 3 ? 0.9 : 0.5)) continue;
      const value = this.#value(shapeOf(member), name, wild, 0);
      if (place === null) body[name] = value;
      else if (place.location === 'uri') url = url.replace(`{${place.name}}`, encodeURIComponent(textOf(value)) || 'x');
      else if (place.location === 'querystring') query.append(place.name, textOf(value));
      else headers[place.name.toLowerCase()] = encodeURIComponent(textOf(value)).slice(0, 500);
    }
    const whole = query.size === 0 ? url : `${url}?${query.toString()}`;
    const payload = model.method === 'GET' || model.method === 'DELETE' ? null : this.#body(body, wild);
    return { operation, method: model.method, url: whole, headers, body: payload };
  }

  #body(body: Record<string, unknown>, wild: number): string | Buffer {
    return this.#random() < wild / 3 ? this.#pick(BODIES) : JSON.stringify(body);
  }

  #value(name: string, member: string, wild: number, depth: number): unknown {
    if (this.#random() < wild) return this.#pick(RUBBISH);
    const shape = shapeNamed(name, this.#api);
    switch (shape.type) {
      case 'string':
        return this.#text(shape, name, member);
      case 'integer':
      case 'long':
      case 'double':
        return Math.floor((shape.min ?? 0) + this.#random() * ((shape.max ?? 10) - (shape.min ?? 0) + 1));
      case 'boolean':
        return this.#random() < 0.5;
      case 'blob':
        return 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';
      case 'timestamp':
        return 1_700_000_000;
      case 'list':
        return depth > 4
          ? []
          : Array.from({ length: Math.max(1, shape.min ?? 0) }, () => this.#value(shape.member ?? '', member, wild, depth + 1));
      case 'map':
        return { [textOf(this.#value(shape.key ?? '', member, wild, depth + 1))]: this.#value(shape.value ?? '', member, wild, depth + 1) };
      case 'structure':
        return this.#structure(shape, wild, depth);
    }
  }

  #structure(shape: ShapeModel, wild: number, depth: number): Record<string, unknown> {
    const members = Object.entries(shape.members ?? {}).filter(([name]) => shape.required?.includes(name) === true || this.#random() < 0.3);
    return Object.fromEntries(depth > 4 ? [] : members.map(([name, m]) => [name, this.#value(shapeOf(m), name, wild, depth + 1)]));
  }

  /** What suits the names that matter, else something that many patterns take. */
  #text(shape: ShapeModel, name: string, member: string): string {
    if (shape.enum !== undefined) return this.#pick(shape.enum);
    const known: Record<string, readonly string[]> = {
      FunctionName: [
        this.#functionName,
        `${this.#functionName}:1`,
        'nobody',
        `arn:aws:lambda:us-east-1:000000000000:function:${this.#functionName}`,
      ],
      Qualifier: ['1', '$LATEST', 'live'],
      FunctionVersion: ['1', '$LATEST', '9'],
      Resource: [`arn:aws:lambda:us-east-1:000000000000:function:${this.#functionName}`],
      Arn: ['arn:aws:lambda:us-east-1:000000000000:layer:l:1'],
      Role: ['arn:aws:iam::000000000000:role/r'],
      Runtime: ['nodejs20.x'],
      Handler: ['index.handler'],
      EventSourceArn: ['arn:aws:sqs:us-east-1:000000000000:q', 'arn:aws:kinesis:us-east-1:000000000000:stream/s'],
      Action: ['lambda:InvokeFunction', 'lambda:GetLayerVersion'],
      Principal: ['s3.amazonaws.com', '*', '000000000000'],
      LayerName: ['l', 'm'],
      SigningProfileVersionArns: ['arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abcdefghij'],
      Pattern: ['{"body":["x"]}', '{"body":7}'],
      Marker: ['', 'Zm9v'],
    };
    return this.#pick(
      known[member] ?? (name.endsWith('Arn') ? ['arn:aws:lambda:us-east-1:000000000000:function:x'] : ['live', 'abc', '1']),
    );
  }

  #pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
