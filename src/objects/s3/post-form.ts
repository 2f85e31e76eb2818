import { Busboy } from '@fastify/busboy';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { verifyPostPolicy } from '../../auth/post-policy.ts';
import { ANYBODY, type Authority } from '../../auth/authority.ts';
import type { Keys } from '../../auth/keys.ts';
import { REMEDY } from '../../auth/remedy.ts';
import { HearthError } from '../../errors.ts';
import { deferred } from '../../lib/deferred.ts';
import { CHECKSUM_ALGORITHMS } from '../model.ts';
import { DEFAULT_CHECKSUM } from '../object-store.ts';
import type { S3Answer } from './answer.ts';
import { MAX_PUT_BYTES } from './body.ts';
import { refuseForeign } from './cors.ts';
import { formMeta, madeVersion, metaFrom, refuseUnserved } from './headers.ts';
import { permit } from './permissions.ts';
import type { S3Deps } from './operation.ts';
import { bucketOf, causeOf, checkKey, type S3Request } from './request.ts';
import { readTags } from './operations/bucket-settings.ts';
import { bareDocument } from './xml.ts';

const FIELD_BYTES = 20 * 1024;

/** Whether a request is an upload by an HTML form. */
export function isForm(r: S3Request): boolean {
  return r.method === 'POST' && r.key === null && /^multipart\/form-data/i.test(r.raw.headers['content-type'] ?? '');
}

interface Form {
  /** By lower-case name; only what came before the file counts. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Readable;
  readonly filename: string;
}

interface FormDeps {
  readonly keys: Keys;
  readonly authority: Authority;
  /** What the bucket's CORS rules say to the page that the form is of. */
  readonly cors: Readonly<Record<string, string>>;
}

/** Stores the file of a form. One without a signed policy is taken where unsigned requests are, and from the same pages. */
export async function postForm(r: S3Request, d: S3Deps, o: FormDeps): Promise<S3Answer> {
  const { form, done } = readForm(r);
  const { fields, file, filename } = await form;
  try {
    const bucket = bucketOf(r);
    const policy = await verifyPostPolicy(fields, bucket, { keys: o.keys, nowMs: d.clock.now() });
    if (policy === null) {
      if (!o.authority.unsignedData) throw new HearthError('AccessDenied', `Access Denied. ${REMEDY}`);
      refuseForeign(r, o.cors);
    }
    const name = fields.get('key');
    if (name === undefined || name === '')
      throw new HearthError(
        'InvalidArgument',
        "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
        { details: { ArgumentName: 'key' } },
      );
    const key = checkKey(name.replaceAll('${filename}', filename));
    const caller = policy === null ? ANYBODY : o.authority.callerOf(policy.accessKeyId);
    permit({ ...r, caller }, 'PutObject', { bucket, key });
    if (fields.has('tagging')) permit({ ...r, caller }, 'PutObjectTagging', { bucket, key });
    await d.store.index.bucket(bucket); // throws NoSuchBucket
    refuseUnserved((header) => fields.get(header === 'x-amz-acl' ? 'acl' : header) || undefined, [...fields.keys()]);
    const user = [...fields].flatMap(([n, v]) => (n.startsWith('x-amz-meta-') ? [[n.slice('x-amz-meta-'.length), v] as const] : []));
    const meta = metaFrom((header) => fields.get(header), formMeta(new Map(user)));
    const tagging = fields.get('tagging');
    const tags = tagging === undefined ? {} : readTags(Buffer.from(tagging), 10);
    const expected = {
      md5: null,
      ...formChecksum(fields),
      minBytes: policy?.minBytes ?? 0,
      maxBytes: Math.min(policy?.maxBytes ?? MAX_PUT_BYTES, MAX_PUT_BYTES),
    };
    const chunks = file as AsyncIterable<Buffer>;
    const cause = { ...causeOf(r), principal: policy?.accessKeyId ?? 'anonymous' };
    const to = { bucket, key, meta, tags, precondition: () => undefined, how: 'Post' as const, cause };
    const version = await d.store.put({ chunks, length: null, trailers: new Map() }, expected, to);
    return formAnswer(r, fields, { bucket, key, etag: version.etag, versionId: madeVersion(version) });
  } finally {
    file.resume();
    await done.catch(() => undefined);
  }
}

function formChecksum(fields: ReadonlyMap<string, string>): { algorithm: (typeof CHECKSUM_ALGORITHMS)[number]; checksum: string | null } {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const checksum = fields.get(`x-amz-checksum-${algorithm.toLowerCase()}`);
    if (checksum !== undefined) return { algorithm, checksum };
  }
  return { algorithm: DEFAULT_CHECKSUM.algorithm, checksum: null };
}

/** The form up to its file, which is read as it comes. `done` settles at the end of the request. */
function readForm(r: S3Request): { form: Promise<Form>; done: Promise<void> } {
  const fields = new Map<string, string>();
  const found = deferred<Form>();
  const malformed = (error?: unknown): HearthError =>
    new HearthError('MalformedPOSTRequest', 'The body of your POST request is not well-formed multipart/form-data.', { cause: error });
  let parser: InstanceType<typeof Busboy>;
  try {
    parser = new Busboy({
      headers: r.raw.headers as { 'content-type': string },
      limits: { files: 1, fields: 100, fieldSize: FIELD_BYTES },
    });
  } catch (error) {
    throw malformed(error);
  }
  let content: PassThrough | null = null;
  parser.on('field', (name, value) => fields.set(name.toLowerCase(), value));
  parser.on('file', (name, stream, filename) => {
    // A form that ends within a file: whoever reads it is told; an error that nobody listens to would end the server.
    stream.on('error', (error: Error) => content?.destroy(error));
    if (name !== 'file' || content !== null) {
      stream.resume();
      return;
    }
    // A stream of our own: it must be readable to the end whatever the parser does with its own.
    content = new PassThrough();
    content.on('error', () => {});
    stream.pipe(content);
    // Whoever reads it may stop before its end (too large, a full disk): the rest must run out, or the request would never end.
    content.once('close', () => {
      stream.unpipe();
      stream.resume();
    });
    // The fields as they are now: what comes after the file was not asked for when the policy was checked.
    found.resolve({ fields: new Map(fields), file: content, filename: filename ?? '' });
  });
  const done = pipeline(r.raw, parser, { end: true }).then(
    () =>
      found.reject(
        new HearthError('InvalidArgument', 'POST requires exactly one file upload per request.', { details: { ArgumentName: 'file' } }),
      ),
    (error: unknown) => {
      const cut = new HearthError('IncompleteBody', 'The request body terminated unexpectedly', { cause: error });
      content?.destroy(cut);
      found.reject(content === null ? malformed(error) : cut);
    },
  );
  return { form: found.promise, done };
}

function formAnswer(
  r: S3Request,
  fields: ReadonlyMap<string, string>,
  o: { bucket: string; key: string; etag: string; versionId: string | undefined },
): S3Answer {
  const location = `http://${r.raw.headers.host ?? 'localhost'}/${o.bucket}/${o.key.split('/').map(encodeURIComponent).join('/')}`;
  const headers = { etag: `"${o.etag}"`, location, 'x-amz-version-id': o.versionId };
  const redirect = fields.get('success_action_redirect') ?? fields.get('redirect');
  if (redirect !== undefined && URL.canParse(redirect) && /^https?:/.test(redirect)) {
    const to = new URL(redirect);
    to.searchParams.set('bucket', o.bucket);
    to.searchParams.set('key', o.key);
    to.searchParams.set('etag', `"${o.etag}"`);
    return { status: 303, headers: { ...headers, location: to.href } };
  }
  const status = fields.get('success_action_status');
  if (status === '200') return { status: 200, headers };
  if (status !== '201') return { status: 204, headers };
  const body = bareDocument('PostResponse', { Location: location, Bucket: o.bucket, Key: o.key, ETag: `"${o.etag}"` });
  return { status: 201, headers, body };
}
