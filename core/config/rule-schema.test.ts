import { describe, expect, it } from 'vitest';
import { ruleSchema } from './rule-schema.ts';

const RULE = { name: 'memory-usage', metric: 'mem_usage', above: 90, for: '5m' };

describe('rule', () => {
  it('gets its defaults', () => {
    expect(ruleSchema.parse(RULE)).toEqual({
      name: 'memory-usage',
      title: 'Memory usage',
      metric: 'mem_usage',
      where: {},
      condition: { kind: 'above', threshold: 90 },
      forMs: 300_000,
      keepFiringForMs: 0,
      noData: 'keepLast',
      severity: 'warning',
      inhibitedBy: [],
    });
  });

  it('keeps what is given', () => {
    const where = { cluster: 'nks-*', role: ['etcd', 'apiserver'] };
    const texts = { title: 'Memory', summary: '{{node}}', runbook: 'https://example.com/r' };
    const rule = {
      ...RULE,
      ...texts,
      where,
      recoveryThreshold: 85,
      keepFiringFor: '2m',
      noData: 'ok',
      severity: 'critical',
    };
    expect(ruleSchema.parse({ ...rule, inhibitedBy: ['node-down'] })).toMatchObject({
      ...texts,
      where: { cluster: ['nks-*'], role: ['etcd', 'apiserver'] },
      recoveryThreshold: 85,
      keepFiringForMs: 120_000,
      noData: 'ok',
      severity: 'critical',
      inhibitedBy: ['node-down'],
    });
  });

  it.each([
    [{ below: 5 }, { kind: 'below', threshold: 5 }],
    [{ outside: [1, 5] }, { kind: 'outside', low: 1, high: 5 }],
    [{ equals: 0 }, { kind: 'equals', value: 0 }],
  ])('takes the condition %o', (condition, expected) => {
    expect(ruleSchema.parse({ ...RULE, above: undefined, ...condition })).toMatchObject({
      condition: expected,
    });
  });

  it('names all unknown metrics of a rule with a metric and a ratio', () => {
    const { error } = ruleSchema.safeParse({ ...RULE, ratio: { of: 'mem_usag', over: 'mem_totl' } });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['ratio', 'ratio.of', 'ratio.over']);
  });

  it.each([[[]], [['a']], [3]])('says of %j only that a mapping is expected', (value) => {
    expect(ruleSchema.safeParse(value).error?.issues).toMatchObject([{ code: 'invalid_type', path: [] }]);
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['no condition', { above: undefined }, '', /needs one of `above`, `below`, `outside` or `equals`/],
    ['two conditions', { below: 5 }, 'below', /keep either `above` or `below`/],
    ['no duration', { for: undefined }, 'for', /a duration is missing/],
    ['a number for a duration', { for: 5 }, 'for', /did you mean `5m` or `5s`\?/],
    ['text for a number', { above: '90%' }, 'above', /`above` is a number/],
    [
      'an unknown metric',
      { metric: 'mem_usge' },
      'metric',
      /no metric `mem_usge`; did you mean `mem_usage`\?/,
    ],
    [
      'a label the metric has not',
      { where: { mount: '/' } },
      'where.mount',
      /has no label `mount`; it has cluster, node, role/,
    ],
    ['a number for a glob', { where: { node: 1 } }, 'where.node', /as text in quotes/],
    ['bounds the wrong way', { above: undefined, outside: [5, 1] }, 'outside', /the lower bound comes first/],
    [
      'recovery above the threshold',
      { recoveryThreshold: 91 },
      'recoveryThreshold',
      /must not be greater than `above: 90`/,
    ],
    [
      'recovery below the threshold',
      { above: undefined, below: 5, recoveryThreshold: 4 },
      'recoveryThreshold',
      /must not be smaller than `below: 5`/,
    ],
    [
      'recovery outside the bounds',
      { above: undefined, outside: [1, 9], recoveryThreshold: [0, 8] },
      'recoveryThreshold',
      /must lie within `outside: \[1, 9\]`/,
    ],
    [
      'one recovery bound for two',
      { above: undefined, outside: [1, 9], recoveryThreshold: 5 },
      'recoveryThreshold',
      /two bounds go with `outside`/,
    ],
    [
      'two recovery bounds for one',
      { recoveryThreshold: [1, 2] },
      'recoveryThreshold',
      /one number goes with `above`/,
    ],
    [
      'recovery with equals',
      { above: undefined, equals: 1, recoveryThreshold: 0 },
      'recoveryThreshold',
      /`equals` has no recovery threshold/,
    ],
    [
      'a forecast of no time',
      { window: { last: '6h', reduce: 'forecast' } },
      'window.in',
      /a forecast needs a time ahead; write how far, like `in: 24h`/,
    ],
    [
      'a forecast of now',
      { window: { last: '6h', reduce: 'forecast', in: '0s' } },
      'window.in',
      /must be longer than 0s/,
    ],
    [
      'a time ahead without a forecast',
      { window: { last: '6h', reduce: 'max', in: '24h' } },
      'window.in',
      /`in` goes with `reduce: forecast`; take it out, or write that for `max`/,
    ],
    ['a name with spaces', { name: 'memory usage' }, 'name', /a name has letters, digits/],
    [
      'a runbook that no message could link',
      { runbook: `https://r.example.net/${'a'.repeat(4_000)}` },
      'runbook',
      /an address has 2000 characters at most/,
    ],
    [
      'a title that is a text',
      { title: 'a'.repeat(101) },
      'title',
      /100 characters at most; say more in `summary`/,
    ],
    [
      'a summary that is a page',
      { summary: 'a'.repeat(1_001) },
      'summary',
      /1000 characters at most; link the rest/,
    ],
    ['a runbook that is no address', { runbook: 'see wiki' }, 'runbook', /http or https address/],
  ])('refuses %s', (_, change, path, message) => {
    const issues = ruleSchema.safeParse({ ...RULE, ...change }).error?.issues ?? [];
    expect(issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([
      [path, expect.stringMatching(message)],
    ]);
  });

  it('allows recovery at the threshold itself', () => {
    expect(ruleSchema.safeParse({ ...RULE, recoveryThreshold: 90 }).success).toBe(true);
  });

  it('reads windows, and how far ahead a forecast looks', () => {
    const window = (written: object) => ruleSchema.parse({ ...RULE, window: written }).window;
    expect(window({ last: '5m', reduce: 'avg' })).toEqual({ lastMs: 300_000, reduce: 'avg' });
    expect(window({ last: '6h', reduce: 'forecast', in: '24h' })).toEqual({
      lastMs: 21_600_000,
      reduce: 'forecast',
      aheadMs: 86_400_000,
    });
  });

  it('reports problems of several fields at once', () => {
    const { error } = ruleSchema.safeParse({ ...RULE, for: 5, severity: 'bad', extra: 1 });
    expect(error?.issues.map(({ path, code }) => [path.join('.'), code])).toEqual([
      ['for', 'invalid_type'],
      ['severity', 'invalid_value'],
      ['', 'unrecognized_keys'],
    ]);
  });
});
