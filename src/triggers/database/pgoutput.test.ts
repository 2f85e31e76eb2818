import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLsn, parseLsn, reached } from './lsn.ts';
import { decode } from './pgoutput.ts';
import { toJson } from './values.ts';
import { streamOptions } from './wal-stream.ts';

const text = (value: string): Buffer => Buffer.concat([Buffer.from(value), Buffer.from([0])]);
const uint = (value: number, bytes: 1 | 2 | 4): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const relation = Buffer.concat([
  Buffer.from('R'),
  uint(16_400, 4),
  text('public'),
  text('größen'),
  Buffer.from('f'),
  uint(1, 2),
  uint(1, 1),
  text('id'),
  uint(23, 4),
  uint(0xffffffff, 4),
]);

test('a relation', () => {
  assert.deepEqual(decode(relation), {
    kind: 'relation',
    relation: {
      oid: 16_400,
      schema: 'public',
      table: 'größen',
      replicaIdentity: 'full',
      columns: [{ name: 'id', typeOid: 23, identity: true }],
    },
  });
});

test('a message that is cut off anywhere, and one that is not known, are refused: nothing is made up', () => {
  for (let length = 0; length < relation.length; length++) assert.throws(() => decode(relation.subarray(0, length)), `${length} bytes`);
  assert.throws(() => decode(Buffer.from('Z')), /not known/);
  const insert = Buffer.concat([
    Buffer.from('I'),
    uint(1, 4),
    Buffer.from('N'),
    uint(1, 2),
    Buffer.from('t'),
    uint(1000, 4),
    Buffer.from('x'),
  ]);
  assert.throws(() => decode(insert), RangeError);
});

test('what was said by pg_logical_emit_message; servers before 14 are not asked for it', () => {
  const said = Buffer.concat([Buffer.from('M'), uint(1, 1), Buffer.alloc(8), text('hearth.lineage'), uint(3, 4), Buffer.from('c:1')]);
  const { content, ...message } = decode(said) as ReturnType<typeof decode> & { kind: 'message' };
  assert.deepEqual(message, { kind: 'message', transactional: true, prefix: 'hearth.lineage' });
  assert.equal(content.toString(), 'c:1');
  assert.throws(() => decode(said.subarray(0, -1)), RangeError);
  assert.equal(streamOptions(['a', 'b'], 130_011), `proto_version '1', publication_names '"a","b"'`);
  assert.equal(streamOptions(['a'], 140_000), `proto_version '1', publication_names '"a"', messages 'true'`);
});

test('places in the log: text and back, and which lies before which', () => {
  for (const lsn of ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF']) assert.equal(formatLsn(parseLsn(lsn)), lsn);
  for (const no of ['', '16', 'x/1', '1/123456789', '1/2/3']) assert.throws(() => parseLsn(no), RangeError);
  const at = (commitLsn: bigint, index: number, timeline = 1) => ({ systemId: 's', timeline, commitLsn, index });
  assert.ok(reached(at(10n, 3), at(10n, 3)) && reached(at(10n, 3), at(9n, 8)) && !reached(at(10n, 3), at(10n, 4)));
  assert.ok(!reached(at(10n, 3), at(9n, 0, 2)), 'places of another history are not to be compared');
});

test('arrays of arrays, of texts that look like syntax, and what is no array', () => {
  assert.deepEqual(toJson('{{1,2},{3,NULL}}', 1007), [
    [1, 2],
    [3, null],
  ]);
  assert.deepEqual(toJson('{}', 1009), []);
  assert.deepEqual(toJson('{"}{,\\"\\\\",NULL,"NULL"}', 1009), ['}{,"\\', null, 'NULL']);
  assert.equal(toJson('[0:1]={1,2}', 1007), '[0:1]={1,2}');
});
