import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HearthError } from '../errors.ts';
import { manifestJsonSchema, parseFunctionManifest } from './manifest.ts';

const minimal = { runtime: 'nodejs20.x', handler: 'index.handler' };
const parsed = (trigger: unknown): unknown => parseFunctionManifest({ ...minimal, triggers: [trigger] }).triggers[0];

describe('triggers in short', () => {
  it('say the same as their long form', () => {
    const same: [string, string, object][] = [
      ['objects', 'uploads', { bucket: 'uploads' }],
      ['objects', 'uploads/', { bucket: 'uploads' }],
      ['objects', 'uploads/*', { bucket: 'uploads' }],
      ['objects', 'uploads/*.jpg', { bucket: 'uploads', suffix: '.jpg' }],
      ['objects', 'uploads/in/', { bucket: 'uploads', prefix: 'in/' }],
      ['objects', 'uploads/in/2026/a*b.jpg', { bucket: 'uploads', prefix: 'in/2026/a', suffix: 'b.jpg' }],
      ['database', 'detections', { table: 'detections' }],
      ['database', 'shop.orders', { table: 'shop.orders' }],
      ['queue', 'work', { queue: 'work' }],
      ['schedule', '0 6 * * *', { cron: '0 6 * * *' }],
      ['schedule', 'cron(0 6 ? * MON-FRI *)', { cron: 'cron(0 6 ? * MON-FRI *)' }],
      ['schedule', 'rate(5 minutes)', { rate: 'rate(5 minutes)' }],
      ['schedule', 'at(2027-01-31T06:00:00)', { at: '2027-01-31T06:00:00' }],
    ];
    for (const [kind, short, long] of same) assert.deepEqual(parsed({ [kind]: short }), { [kind]: long }, short);
  });

  it('are refused with the way to write them where they mean nothing', () => {
    const refused: [unknown, RegExp][] = [
      [{ objects: 'uploads/in' }, /triggers\[0\]\.objects: must be BUCKET, BUCKET\/FOLDER\/ or BUCKET\/PREFIX\*SUFFIX/],
      [{ objects: 'uploads/*/*.jpg' }, /objects: must be BUCKET/],
      [{ objects: '*.jpg' }, /objects: must be BUCKET/],
      [{ objects: '' }, /objects: must be BUCKET/],
      [{ objects: 7 }, /objects: must be BUCKET/],
      [{ database: 'a b' }, /database\.table: must be TABLE or SCHEMA\.TABLE/],
      [{ database: 'hearth.delivery' }, /database\.table: is a system’s own table, and triggers nothing/],
      [{ schedule: '61 6 * * *' }, /schedule\.cron: /],
      [{ http: 'none' }, /http: /],
      [{ constructor: 'x' }, /constructor: unknown key/],
    ];
    for (const [trigger, message] of refused) {
      assert.throws(
        () => parsed(trigger),
        (error) => error instanceof HearthError && message.test(error.message),
        JSON.stringify(trigger),
      );
    }
  });

  it('are in the schema for editors beside the long form', () => {
    const text = JSON.stringify(manifestJsonSchema());
    assert.match(text, /"objects":\{"description":"Uploads to a bucket","anyOf":\[\{"type":"string".{0,200}\{"type":"object"/);
  });
});
