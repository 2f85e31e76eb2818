import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestServer } from './platform-server.ts';

let server: TestServer;
const work = mkdtempSync(join(tmpdir(), 'hearth-objects-'));
before(async () => {
  server = await TestServer.start();
});
after(async () => {
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

/** Why a tool can't be tested here, or false. */
function missing(program: string, args: readonly string[]): string | false {
  return spawnSync(program, args).status === 0 ? false : `${program} ${args.join(' ')} does not work here`;
}

/** The tool as its user runs it: with the credentials file that the server made. */
function run(program: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    HOME: work,
    AWS_SHARED_CREDENTIALS_FILE: join(server.home, 'credentials'),
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_DEFAULT_REGION: 'us-east-1',
    PYTHONWARNINGS: 'ignore',
  };
  return new Promise((resolve) => {
    execFile(program, [...args], { env, cwd: work }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('the aws command line', { skip: missing('aws', ['--version']) }, () => {
  const aws = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('aws', args);
    assert.equal(code, 0, `aws ${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  test('mb, cp, ls, sync, presign, mv, rm, rb; and a large file in parts', async () => {
    mkdirSync(join(work, 'tree/sub dir'), { recursive: true });
    writeFileSync(join(work, 'tree/one.txt'), 'one');
    writeFileSync(join(work, 'tree/sub dir/ü.txt'), 'two');
    const large = Buffer.alloc(20 * 1024 * 1024, 'hearth ');
    writeFileSync(join(work, 'large.bin'), large);
    await aws('s3', 'mb', 's3://tool');
    await aws('s3', 'cp', 'large.bin', 's3://tool/large.bin');
    await aws('s3', 'cp', 's3://tool/large.bin', 'back.bin');
    assert.ok(readFileSync(join(work, 'back.bin')).equals(large));
    await aws('s3', 'sync', 'tree', 's3://tool/tree');
    assert.equal((await aws('s3', 'sync', 'tree', 's3://tool/tree')).trim(), '', 'a second sync has nothing to do');
    assert.match(await aws('s3', 'ls', 's3://tool/tree/'), /PRE sub dir\/\n.* 3 one\.txt/);
    assert.match(await aws('s3', 'ls', '--recursive', 's3://tool'), /tree\/sub dir\/ü\.txt/);
    const url = (await aws('s3', 'presign', 's3://tool/tree/one.txt')).trim();
    assert.equal(await (await fetch(url)).text(), 'one');
    await aws('s3', 'mv', 's3://tool/tree/one.txt', 's3://tool/moved.txt');
    assert.equal(await aws('s3', 'cp', 's3://tool/moved.txt', '-'), 'one');
    await aws('s3', 'rm', '--recursive', 's3://tool');
    await aws('s3', 'rb', 's3://tool');
    const gone = await run('aws', ['s3', 'ls', 's3://tool']);
    assert.notEqual(gone.code, 0);
    assert.match(gone.stderr, /NoSuchBucket/);
  });
});

const SCRIPT = `
import io, json
import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")

def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]

result = {}
s3.create_bucket(Bucket="boto")
body = bytes(range(256)) * 100000
s3.upload_fileobj(io.BytesIO(body), "boto", "a b+c/\\u00fc.bin", ExtraArgs={"Metadata": {"k": "v"}, "ContentType": "x/y"})
out = io.BytesIO()
s3.download_fileobj("boto", "a b+c/\\u00fc.bin", out)
result["same"] = out.getvalue() == body
head = s3.head_object(Bucket="boto", Key="a b+c/\\u00fc.bin")
result["head"] = [head["ContentLength"], head["Metadata"], head["ContentType"], head["ETag"].endswith('-4"')]
for i in range(5):
    s3.put_object(Bucket="boto", Key=f"list/{i} \\u00e4", Body=b"x")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="boto", Prefix="list/", PaginationConfig={"PageSize": 2})
result["keys"] = [o["Key"] for page in pages for o in page["Contents"]]
result["v1"] = [o["Key"] for o in s3.list_objects(Bucket="boto", Prefix="list/")["Contents"]]
result["missing"] = code_of(lambda: s3.get_object(Bucket="boto", Key="nothing"))
result["digest"] = code_of(lambda: s3.put_object(Bucket="boto", Key="bad", Body=b"x", ChecksumCRC32="AAAAAA=="))
result["long"] = code_of(lambda: s3.put_object(Bucket="boto", Key="k" * 1025, Body=b"x"))
result["absolute"] = s3.put_object(Bucket="boto", Key="../../x", Body=b"x")["ResponseMetadata"]["HTTPStatusCode"]
result["traversal"] = s3.get_object(Bucket="boto", Key="../../x")["Body"].read().decode()
post = s3.generate_presigned_post("boto", "form.txt", ExpiresIn=60)
import urllib.request, uuid
boundary = uuid.uuid4().hex
parts = "".join(f'--{boundary}\\r\\nContent-Disposition: form-data; name="{k}"\\r\\n\\r\\n{v}\\r\\n' for k, v in post["fields"].items())
parts += f'--{boundary}\\r\\nContent-Disposition: form-data; name="file"; filename="f"\\r\\n\\r\\nform content\\r\\n--{boundary}--\\r\\n'
urllib.request.urlopen(urllib.request.Request(post["url"], parts.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}))
result["form"] = s3.get_object(Bucket="boto", Key="form.txt")["Body"].read().decode()
s3.delete_objects(Bucket="boto", Delete={"Objects": [{"Key": o["Key"]} for o in s3.list_objects_v2(Bucket="boto")["Contents"]]})
s3.delete_bucket(Bucket="boto")
s3.get_waiter("bucket_not_exists").wait(Bucket="boto")
print(json.dumps(result))
`;

describe('boto3', { skip: missing('python3', ['-c', 'import boto3']) }, () => {
  test('uploads, downloads, lists, forms and errors', async () => {
    const { code, stdout, stderr } = await run('python3', ['-c', SCRIPT]);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    const keys = Array.from({ length: 5 }, (_, i) => `list/${i} ä`);
    assert.deepEqual(result, {
      same: true,
      head: [25_600_000, { k: 'v' }, 'x/y', true],
      keys,
      v1: keys,
      missing: ['NoSuchKey', 404],
      digest: ['BadDigest', 400],
      long: ['KeyTooLongError', 400],
      absolute: 200,
      traversal: 'x',
      form: 'form content',
    });
  });
});
