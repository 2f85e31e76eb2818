import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventPatternFault } from './event-pattern-fault.ts';
import { fits, type EventPattern } from './event-pattern.ts';

const event = {
  source: 'shop',
  detail: { price: 12, tags: ['new', 'red'], name: 'Hat.JPG', none: null, lines: [{ sku: 'a' }, { sku: 'b' }] },
};
const cases: readonly [string, object, boolean][] = [
  ['exact', { source: ['x', 'shop'] }, true],
  ['exact, not', { source: ['SHOP'] }, false],
  ['all members', { source: ['shop'], detail: { price: [13] } }, false],
  ['null', { detail: { none: [null] } }, true],
  ['an element of a list', { detail: { tags: ['red'] } }, true],
  ['members of a list of objects', { detail: { lines: { sku: ['b'] } } }, true],
  ['prefix and suffix', { detail: { name: [{ prefix: 'Hat' }] }, source: [{ suffix: 'op' }] }, true],
  ['suffix in any case', { detail: { name: [{ suffix: { 'equals-ignore-case': '.jpg' } }] } }, true],
  ['equals in any case', { source: [{ 'equals-ignore-case': 'SHOP' }] }, true],
  ['wildcard', { detail: { name: [{ wildcard: 'H*.J*' }] } }, true],
  ['wildcard is anchored', { detail: { name: [{ wildcard: '*.J' }] } }, false],
  ['numeric range', { detail: { price: [{ numeric: ['>', 10, '<=', 12] }] } }, true],
  ['numeric range, out', { detail: { price: [{ numeric: ['>', 12] }] } }, false],
  ['anything but', { source: [{ 'anything-but': ['a', 'b'] }] }, true],
  ['anything but a prefix', { source: [{ 'anything-but': { prefix: 'sh' } }] }, false],
  ['anything but, of a list of which one is something else', { detail: { tags: [{ 'anything-but': 'red' }] } }, true],
  ['anything but, of a list', { detail: { tags: [{ 'anything-but': ['red', 'new'] }] } }, false],
  ['what has members is no value', { detail: [{ exists: true }], source: ['shop'] }, false],
  ['what has members does not exist as a value', { detail: [{ exists: false }] }, true],
  ['exists, of lists', { detail: { tags: [{ exists: true }], lines: [{ exists: true }] } }, false],
  ['exists, below what is not there', { other: { part: [{ exists: false }] } }, true],
  ['exists', { detail: { price: [{ exists: true }] } }, true],
  ['does not exist', { detail: { weight: [{ exists: false }], price: [{ exists: false }] } }, false],
  ['missing', { detail: { weight: [1] } }, false],
  ['or', { $or: [{ source: ['x'] }, { detail: { price: [12] } }] }, true],
  ['a path for a name', { 'detail.price': [12], 'detail.lines.sku': ['b'] }, true],
  ['a path for a name, not', { 'detail.price': [13] }, false],
  ['a path for a name that is not there', { 'detail.weight': [{ exists: false }], 'other.part': [{ exists: false }] }, true],
  ['inherited members are none', { constructor: [{ exists: true }] }, false],
  ['a test nobody knows', { source: [{ sounds: 'like' }] }, false],
];

describe('fits', () => {
  for (const [name, pattern, expected] of cases) it(name, () => assert.equal(fits(pattern as Record<string, unknown>, event), expected));

  const like = (wildcard: string, text: string): boolean => fits({ text: [{ wildcard }] }, { text });
  it('wildcard, wherever its stars are', () => {
    for (const [pattern, text] of [
      ['*', ''],
      ['a*', 'a'],
      ['*a', 'ba'],
      ['a*b*c', 'a-b-b-c'],
      ['*a*', 'bab'],
      ['ab*ba', 'abba'],
      ['\\\\*\\*', '\\x*'],
    ] as const)
      assert.ok(like(pattern, text), `${pattern} ${text}`);
    for (const [pattern, text] of [
      ['ab*ba', 'aba'],
      ['a*b*c', 'acb'],
      ['a*bc*c', 'abc'],
      ['*a*', 'b'],
      ['a', 'ab'],
      ['\\*', 'a'],
    ] as const)
      assert.ok(!like(pattern, text), `${pattern} ${text}`);
  });

  // By a regular expression the first would take for ever, and nothing else would run meanwhile; the second would be an overflow of the stack.
  it('what was made to take long does not', () => {
    assert.equal(like(`${'*a'.repeat(30)}*b`, 'a'.repeat(100_000)), false);
    const depth = 200_000;
    const deep: unknown = JSON.parse(`{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`);
    assert.equal(fits({ a: [1] }, deep), true);
  });
});

/** The examples of EventBridge's user guide ("Comparison operators", "Filtering"): a pattern, what fits it and what does not. */
const DOCUMENTED: readonly [pattern: object, fitting: unknown[], others: unknown[]][] = [
  [{ time: [{ prefix: '2017-10-02' }] }, [{ time: '2017-10-02T18:43:48Z' }], [{ time: '2017-10-03T18:43:48Z' }, { time: 20171002 }]],
  [
    { service: [{ prefix: { 'equals-ignore-case': 'EventB' } }] },
    [{ service: 'EVENTBRIDGE' }, { service: 'eventbus' }],
    [{ service: 'events' }],
  ],
  [{ FileName: [{ suffix: '.png' }] }, [{ FileName: 'cat.png' }], [{ FileName: 'cat.PNG' }, { FileName: 'cat.png.txt' }]],
  [{ FileName: [{ suffix: { 'equals-ignore-case': '.png' } }] }, [{ FileName: 'cat.PNG' }], [{ FileName: 'cat.jpg' }]],
  [
    { detail: { state: [{ 'anything-but': 'initializing' }] } },
    [{ detail: { state: 'running' } }],
    [{ detail: { state: 'initializing' } }, { detail: {} }],
  ],
  [{ 'x-limit': [{ 'anything-but': 123 }] }, [{ 'x-limit': 124 }, { 'x-limit': '123' }], [{ 'x-limit': 123 }]],
  [{ state: [{ 'anything-but': ['stopped', 'overloaded'] }] }, [{ state: 'on' }], [{ state: 'stopped' }, { state: 'overloaded' }]],
  [{ 'x-limit': [{ 'anything-but': [100, 200, 300] }] }, [{ 'x-limit': 101 }], [{ 'x-limit': 200 }]],
  [{ state: [{ 'anything-but': { 'equals-ignore-case': 'initializing' } }] }, [{ state: 'running' }], [{ state: 'INITIALIZING' }]],
  [{ state: [{ 'anything-but': { 'equals-ignore-case': ['initializing', 'stopped'] } }] }, [{ state: 'running' }], [{ state: 'Stopped' }]],
  [{ state: [{ 'anything-but': { prefix: 'init' } }] }, [{ state: 'running' }], [{ state: 'initializing' }]],
  [{ state: [{ 'anything-but': { prefix: ['init', 'error'] } }] }, [{ state: 'running' }], [{ state: 'error: disk' }]],
  [{ FileName: [{ 'anything-but': { suffix: '.txt' } }] }, [{ FileName: 'a.png' }], [{ FileName: 'a.txt' }]],
  [{ FileName: [{ 'anything-but': { suffix: ['.txt', '.rtf'] } }] }, [{ FileName: 'a.png' }], [{ FileName: 'a.rtf' }]],
  [{ FilePath: [{ 'anything-but': { wildcard: '*/lib/*' } }] }, [{ FilePath: 'src/a' }], [{ FilePath: 'src/lib/a' }]],
  [{ FilePath: [{ 'anything-but': { wildcard: ['*/lib/*', '*/bin/*'] } }] }, [{ FilePath: 'src/a' }], [{ FilePath: 'src/bin/a' }]],
  [{ price: [{ numeric: ['=', 301.8] }] }, [{ price: 3.018e2 }], [{ price: 301 }, { price: '301.8' }]],
  [{ 'c-count': [{ numeric: ['>', 0, '<=', 5] }] }, [{ 'c-count': 5 }, { 'c-count': 0.1 }], [{ 'c-count': 0 }, { 'c-count': 5.1 }]],
  [
    { 'source-ip': [{ cidr: '10.0.0.0/24' }] },
    [{ 'source-ip': '10.0.0.255' }, { 'source-ip': '10.0.0.1' }],
    [{ 'source-ip': '10.0.1.0' }, { 'source-ip': 'ten' }],
  ],
  [{ ip: [{ cidr: '2001:db8::/32' }] }, [{ ip: '2001:db8:1::1' }], [{ ip: '2001:db9::1' }, { ip: '10.0.0.1' }]],
  [{ detail: { state: [{ exists: true }] } }, [{ detail: { state: null } }], [{ detail: { 'c-count': { c1: 100 } } }]],
  [
    { detail: { 'c-count': [{ exists: false }] } },
    [{ detail: { state: 'x' } }, { detail: { 'c-count': { c1: 100 } } }, {}],
    [{ detail: { 'c-count': 1 } }],
  ],
  [
    { 'detail-type': [{ 'equals-ignore-case': 'ec2 instance State-change Notification' }] },
    [{ 'detail-type': 'EC2 Instance State-change Notification' }],
    [{ 'detail-type': 'EC2' }],
  ],
  [
    { EventBusArn: [{ wildcard: 'arn:aws:events:us-east-1:*:event-bus/*' }] },
    [{ EventBusArn: 'arn:aws:events:us-east-1:1:event-bus/b' }],
    [{ EventBusArn: 'arn:aws:events:us-east-2:1:event-bus/b' }],
  ],
  [{ text: [{ wildcard: 'a\\*b*' }] }, [{ text: 'a*b!' }], [{ text: 'axb!' }]],
  [{ LastName: [''], UserID: [null] }, [{ LastName: '', UserID: null }], [{ LastName: '' }, { LastName: 'x', UserID: null }]],
  [{ detail: { state: { status: ['on'] } } }, [{ detail: { 'state.status': 'on' } }], [{ detail: { 'state.status': 'off' } }]],
  [{ detail: { 'state.status': ['on'] } }, [{ detail: { state: { status: 'on' } } }], [{ detail: { state: { status: 'off' } } }]],
  [{ FilePath: [{ 'anything-but': { wildcard: '' } }] }, [{ FilePath: 'src/a' }], [{ FilePath: '' }]],
  [{ resources: ['a', 'c'] }, [{ resources: ['b', 'c'] }], [{ resources: ['b'] }, { resources: [] }]],
  [
    {
      detail: {
        $or: [
          { 'c-count': [{ numeric: ['>', 0, '<=', 5] }] },
          { 'd-count': [{ numeric: ['<', 10] }] },
          { 'x-limit': [{ numeric: ['=', 301.8] }] },
        ],
      },
    },
    [{ detail: { 'c-count': 3 } }, { detail: { 'd-count': 9, 'c-count': 9 } }, { detail: { 'x-limit': 301.8 } }],
    [{ detail: { 'c-count': 6, 'd-count': 10, 'x-limit': 0 } }, {}],
  ],
  [
    {
      source: ['aws.cloudwatch'],
      $or: [
        { metricName: ['CPUUtilization'] },
        { metricType: ['M'], namespace: ['AWS/EC2'], $or: [{ metricId: [1234] }, { spaceId: [1000] }] },
      ],
    },
    [
      { source: 'aws.cloudwatch', metricName: 'CPUUtilization' },
      { source: 'aws.cloudwatch', metricType: 'M', namespace: 'AWS/EC2', spaceId: 1000 },
    ],
    [
      { source: 'aws.cloudwatch', metricType: 'M', namespace: 'AWS/EC2' },
      { source: 'aws.ec2', metricName: 'CPUUtilization' },
    ],
  ],
  [
    {
      time: [{ prefix: '2017-10-02' }],
      detail: {
        state: [{ 'anything-but': 'initializing' }],
        'c-count': [{ numeric: ['>', 0, '<=', 5] }],
        'd-count': [{ numeric: ['<', 10] }],
        'x-limit': [{ 'anything-but': [100, 200, 300] }],
        'source-ip': [{ cidr: '10.0.0.0/8' }],
      },
    },
    [
      {
        time: '2017-10-02T16:24:49Z',
        detail: { state: 'running', 'c-count': 5, 'd-count': 3, 'x-limit': 301.8, 'source-ip': '10.0.0.33' },
      },
    ],
    [{ time: '2017-10-02T16:24:49Z', detail: { state: 'running', 'c-count': 5, 'd-count': 3, 'x-limit': 300, 'source-ip': '10.0.0.33' } }],
  ],
];

describe('EventBridge’s documented patterns', () => {
  for (const [pattern, fitting, others] of DOCUMENTED)
    it(JSON.stringify(pattern), () => {
      assert.equal(eventPatternFault(pattern), null);
      for (const one of fitting) assert.equal(fits(pattern as EventPattern, one), true, JSON.stringify(one));
      for (const one of others) assert.equal(fits(pattern as EventPattern, one), false, JSON.stringify(one));
    });
});

describe('what is no pattern', () => {
  const faults: readonly [pattern: unknown, fault: RegExp][] = [
    [[], /^Filter is not an object$/],
    [{}, /^Empty event pattern is not allowed$/],
    [{ a: {} }, /^Empty objects are not allowed: "a"$/],
    [{ a: { b: [] } }, /^Empty arrays are not allowed: "a\.b"$/],
    [{ a: 'x' }, /^"a" must be an object or an array$/],
    [{ a: [[1]] }, /^Match value must be String, number, true, false, or null: "a"$/],
    [{ a: [{}] }, /^Match expression name not found/],
    [{ a: [{ sounds: 'like' }] }, /^Unrecognized match type sounds: "a"$/],
    [{ a: [{ constructor: 'x' }] }, /^Unrecognized match type constructor: "a"$/],
    [{ a: [{ prefix: 'x', suffix: 'y' }] }, /^Only one key allowed in match expression/],
    [{ a: [{ prefix: 1 }] }, /^prefix match pattern must be a string/],
    [{ a: [{ suffix: { wildcard: 'x' } }] }, /^suffix match pattern must be a string/],
    [{ a: [{ 'equals-ignore-case': ['x'] }] }, /^equals-ignore-case match pattern must be a string/],
    [{ a: [{ wildcard: 'a**b' }] }, /^Consecutive wildcard characters/],
    [{ a: [{ wildcard: 'a\\b' }] }, /^Invalid escape character/],
    [{ a: [{ numeric: 5 }] }, /^Value of numeric must be an array/],
    [{ a: [{ numeric: ['>'] }] }, /^Too many or too few elements/],
    [{ a: [{ numeric: ['~', 5] }] }, /^Unrecognized numeric range operator: ~/],
    [{ a: [{ numeric: ['<', 5, '>', 0] }] }, /^Bad numeric range operator/],
    [{ a: [{ numeric: ['>', 5, '<', 5] }] }, /^Bottom must be less than top/],
    [{ a: [{ numeric: ['>', '5'] }] }, /^Value of numeric must be a number/],
    [{ a: [{ numeric: ['>', 6e9] }] }, /^Value of numeric must be a number/],
    [{ a: [{ 'anything-but': ['x', 1] }] }, /^Value of anything-but must be/],
    [{ a: [{ 'anything-but': [] }] }, /^Value of anything-but must be/],
    [{ a: [{ 'anything-but': null }] }, /^Value of anything-but must be/],
    [{ a: [{ 'anything-but': { numeric: ['>', 1] } }] }, /^Unsupported anything-but pattern: numeric/],
    [{ a: [{ 'anything-but': { prefix: '' } }] }, /^Value of anything-but prefix must be/],
    [{ a: [{ 'anything-but': { wildcard: 'a**' } }] }, /^Consecutive wildcard characters/],
    [{ a: [{ exists: 'yes' }] }, /^exists match pattern must be either true or false/],
    [{ a: [{ cidr: '10.0.0.0' }] }, /^Malformed CIDR/],
    [{ a: [{ cidr: '10.0.0.0/33' }] }, /^Malformed CIDR, mask bits must not exceed 32/],
    [{ a: [{ cidr: 'host/8' }] }, /^Malformed CIDR/],
    [{ $or: { a: [1] } }, /^It must be an Array followed with \$or/],
    [{ $or: [{ a: [1] }] }, /^There must have at least 2 Objects in \$or/],
    [{ $or: [{ a: [1] }, 1] }, /^Only JSON object is allowed in array of \$or/],
    [{ $or: [{ numeric: [1] }, { a: [1] }] }, /^numeric is Ruler reserved fieldName/],
  ];
  for (const [pattern, fault] of faults) it(JSON.stringify(pattern), () => assert.match(eventPatternFault(pattern) ?? 'none', fault));
});
