import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BusEvent } from '../../model/event-rule.ts';
import { targetInput, templateFault } from './target-input.ts';

const detail = {
  userId: '0a787ecb',
  payload: { acc_id: '0a787ecb', sf_id: 'baz' },
  one: ['HIGH'],
  more: ['ACTIVE', 'INACTIVE'],
  valid: true,
};
const event: BusEvent = {
  version: '0',
  id: 'e',
  'detail-type': 'Order',
  source: 'shop',
  account: '1',
  time: '2026-11-27T12:00:00Z',
  region: 'us-east-1',
  resources: [],
  detail,
};
const words = { ruleName: 'r', ruleArn: 'arn:r', ingestedAt: '2026-11-27T12:00:01Z' };
const InputPathsMap = Object.fromEntries([...Object.keys(detail), 'missing'].map((name) => [name, `$.detail.${name}`]));
const filled = (InputTemplate: string): string =>
  targetInput({ Id: 't', Arn: '', InputTransformer: { InputPathsMap, InputTemplate } }, event, words);

describe('the template of a target', () => {
  // What AWS was recorded to make of them.
  for (const [template, made] of [
    ['{"id" : <userId>}', '{"id" : "0a787ecb"}'],
    ['{"path": "users/<userId>", "bod": [<userId>, "x"]}', '{"path": "users/0a787ecb", "bod": ["0a787ecb", "x"]}'],
    ['{"bod": <payload>, "one": <one>}', '{"bod": {"acc_id":"0a787ecb","sf_id":"baz"}, "one": ["HIGH"]}'],
    ['{"command": <missing>}', '{"command": ""}'],
    ['"of <missing>"', '"of "'],
    ['"Command is <valid>!"', '"Command is true!"'],
    ['"<one> one"\n"<more> more"', '"[HIGH] one"\n"[ACTIVE,INACTIVE] more"'],
    ['"Payload of <payload>"', '"Payload of {acc_id:0a787ecb,sf_id:baz}"'],
    ['"{[/ of <userId>"', '"{[/ of 0a787ecb"'],
    ['"<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>"', '"arn:r r 2026-11-27T12:00:01Z"'],
  ] as const)
    it(template, () => {
      assert.equal(templateFault({ InputPathsMap, InputTemplate: template }, 't'), null);
      assert.equal(filled(template), made);
    });

  it('has the event, and what of it is no detail', () => {
    const { whole, head } = JSON.parse(filled('{"whole": <aws.events.event.json>, "head": <aws.events.event>}')) as Record<string, unknown>;
    assert.deepEqual(whole, event);
    const { 'detail-type': detailType, detail: _, ...rest } = event;
    assert.deepEqual(head, { ...rest, detailType });
  });

  it('is refused where it can’t be filled in', () => {
    const fault = (InputTemplate: string) => templateFault({ InputPathsMap, InputTemplate }, 't');
    assert.equal(fault('{"a": <nobody>}'), 'InputTemplate for target t contains invalid placeholder nobody.');
    assert.match(fault('{"a":') ?? '', /^Invalid InputTemplate for target t: /);
  });
});
