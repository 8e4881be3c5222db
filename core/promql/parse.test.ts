import { describe, expect, it } from 'vitest';
import type { QueryNode } from './ast.ts';
import { parseMetricSelector, parseQuery } from './parse.ts';
import { QueryError } from './source.ts';

/** The tree with all parentheses, so that a line of a table shows how a query groups. */
function shape(node: QueryNode): string {
  switch (node.kind) {
    case 'number':
      return String(node.value);
    case 'string':
      return JSON.stringify(node.value);
    case 'selector': {
      const matchers = node.matchers.map(({ name, op, value }) => `${name}${op}${value}`).join(',');
      return `{${matchers}}${node.rangeMs === undefined ? '' : `[${node.rangeMs}]`}${modifiers(node)}`;
    }
    case 'subquery':
      return `${shape(node.expr)}[${node.rangeMs}:${node.stepMs ?? ''}]${modifiers(node)}`;
    case 'call':
      return `${node.name}(${node.args.map(shape).join(', ')})`;
    case 'aggregate': {
      const grouping = node.grouping ? ` ${node.grouping.mode}(${node.grouping.labels})` : '';
      return `${node.op}${grouping}(${node.parameter ? `${shape(node.parameter)}, ` : ''}${shape(node.expr)})`;
    }
    case 'unary':
      return `(${node.op}${shape(node.expr)})`;
    case 'binary': {
      const { matching } = node;
      const group = matching?.group;
      const on = matching ? ` ${matching.mode}(${matching.labels})` : '';
      const include = group ? ` group_${group.side}(${group.include})` : '';
      return `(${shape(node.left)} ${node.op}${node.bool ? ' bool' : ''}${on}${include} ${shape(node.right)})`;
    }
  }
}

function modifiers({ offsetMs, at }: Extract<QueryNode, { kind: 'selector' | 'subquery' }>): string {
  const time = typeof at === 'object' ? at.timeMs : at;
  return `${offsetMs === 0 ? '' : ` offset ${offsetMs}`}${time === undefined ? '' : ` @ ${time}`}`;
}

const selector = (name: string) => `{__name__=${name}}`;
const [a, b, c] = ['a', 'b', 'c'].map(selector);

describe('reads', () => {
  it.each<readonly [query: string, tree: string]>([
    // Precedence: modifiers, ^ from the right, unary, * / %, + -, comparisons, and unless, or.
    ['a + b * c', `(${a} + (${b} * ${c}))`],
    ['a * b + c', `((${a} * ${b}) + ${c})`],
    ['a - b - c', `((${a} - ${b}) - ${c})`],
    ['a ^ b ^ c', `(${a} ^ (${b} ^ ${c}))`],
    ['(a + b) * c', `((${a} + ${b}) * ${c})`],
    ['a or b and c', `(${a} or (${b} and ${c}))`],
    ['a AND b unless c', `((${a} and ${b}) unless ${c})`],
    ['a > b + c', `(${a} > (${b} + ${c}))`],
    ['a atan2 b + c', `((${a} atan2 ${b}) + ${c})`],
    ['-a * b', `((-${a}) * ${b})`],
    ['-a ^ b', `(-(${a} ^ ${b}))`],
    ['a ^ -b * c', `((${a} ^ (-${b})) * ${c})`],
    ['-1 ^ 2', '(-(1 ^ 2))'],
    ['2 - -1', '(2 - -1)'],
    ['a -1', `(${a} - 1)`],
    ['+-a', `(+(-${a}))`],
    ['a + b offset 5m * c', `(${a} + (${b} offset 300000 * ${c}))`],
    ['-a @ 3', `(-${a} @ 3000)`],
    // Selectors.
    ['a{}', a!],
    ['a{b="c",d!="e",f=~"g+",h!~`i`,}', '{__name__=a,b=c,d!=e,f=~g+,h!~i}'],
    ['{"a.b", "c d"=\'e\'}', '{__name__=a.b,c d=e}'],
    ['{on="x", by="y", offset="z"}', '{on=x,by=y,offset=z}'],
    ['a:b', '{__name__=a:b}'],
    [':a', '{__name__=:a}'],
    ['sum + offset', `(${selector('sum')} + ${selector('offset')})`],
    ['rate', selector('rate')],
    ['start', selector('start')],
    ['a[5m] offset -1h30m @ 1.5', `${a}[300000] offset -5400000 @ 1500`],
    ['a @ start() offset 1w', `${a} offset 604800000 @ start`],
    ['a @ END()', `${a} @ end`],
    ['a[90]', `${a}[90000]`],
    ['a[5m:1m] offset 1m', `${a}[300000:60000] offset 60000`],
    ['rate(a[5m])[30m:]', `rate(${a}[300000])[1800000:]`],
    ['(a + b)[5m:]', `(${a} + ${b})[300000:]`],
    ['a offset 1m [5m:]', `${a} offset 60000[300000:]`],
    // Functions and aggregations.
    ['sum(a)', `sum(${a})`],
    ['SUM by (b, "c.d",) (a)', `sum by(b,c.d)(${a})`],
    ['sum(a) without (on, b, b)', `sum without(on,b)(${a})`],
    ['sum by () (a)', `sum by()(${a})`],
    ['topk(3, a)', `topk(3, ${a})`],
    ['count_values("v", a)', `count_values("v", ${a})`],
    ['time()', 'time()'],
    ['hour()', 'hour()'],
    ['round(a, 5)', `round(${a}, 5)`],
    ['label_join(a, "x", ",", "b", "c")', `label_join(${a}, "x", ",", "b", "c")`],
    // Vector matching.
    ['a == bool on(b) group_left(c) b', `(${a} == bool on(b) group_left(c) ${b})`],
    ['a / ignoring(b) group_right b', `(${a} / ignoring(b) group_right() ${b})`],
    ['a and on() b', `(${a} and on() ${b})`],
    ['a > 1', `(${a} > 1)`],
    ['a + on() 1', `(${a} + on() 1)`],
    ['1 > bool 2', '(1 > bool 2)'],
    // Literals.
    ['1_000.5e-1_0', String(1000.5e-10)],
    ['0x1F', '31'],
    ['010', '8'],
    ['08', '8'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-Inf', '-Infinity'],
    ['NaN', 'NaN'],
    ['1h30m5ms', '5400.005'],
    ['"a\\n\\x41\\101\\u00e9\\U0001F600\\"\'"', JSON.stringify('a\nAAé😀"\'')],
    ['"\\xc3\\xa9"', '"é"'],
    ["'it\\'s \"'", JSON.stringify('it\'s "')],
    ['`\\n\n`', JSON.stringify('\\n\n')],
    ['a # the rest is a comment\n+ b', `(${a} + ${b})`],
  ])('%s', (query, tree) => {
    expect(shape(parseQuery(query))).toBe(tree);
  });

  it('where each node stands', () => {
    const tree = parseQuery(' sum(a) by (b) + c offset 5m ');
    expect(tree).toMatchObject({
      from: 1,
      to: 28,
      left: { from: 1, to: 14, expr: { from: 5, to: 6 } },
      right: { from: 17, to: 28 },
    });
  });
});

describe('refuses, with line and column', () => {
  it.each<readonly [query: string, error: string | RegExp]>([
    ['', '1:1: unexpected end of the query, expected an expression'],
    ['a b', '1:3: unexpected `b`, expected an operator or the end of the query'],
    ['a +\n  é', '2:3: unexpected character `é`'],
    ['"é" b', '1:5: unexpected `b`, expected an operator or the end of the query'],
    ['sum(a', '1:6: unexpected end of the query, expected `)` or `,`'],
    ['sum(a))', '1:7: unexpected `)`, expected an operator or the end of the query'],
    ['rate(a[5m],)', '1:12: unexpected `)`, expected an expression'],
    ['a{b=c}', '1:5: unexpected `c`, expected a value in quotes'],
    ['a{b}', '1:4: unexpected `}`, expected `=`, `!=`, `=~` or `!~`'],
    ['a{b="c" d="e"}', '1:9: unexpected `d`, expected `,` or `}`'],
    ['a{b:c="d"}', '1:4: unexpected `:`, expected `=`, `!=`, `=~` or `!~`'],
    ['a{""="b"}', '1:3: the name of a label is empty'],
    ['a{"b"}', /^1:3: the name of the metric is given twice/],
    ['a{__name__=~"b"}', /^1:3: the name of the metric is given twice/],
    ['{a=~".*", b!~"c"}', /^1:1: the selector needs a metric, or a matcher/],
    ['{}', /^1:1: the selector needs a metric, or a matcher/],
    ['a{b=~"("}', /^1:3: the regular expression `\(` is invalid: .*missing closing/],
    ['a{b=~"(x{500}){500}"}', /^1:3: the regular expression .* is invalid/],
    [`a{b=~"${'x{900}.'.repeat(50)}"}`, /^1:3: the regular expression .* is too large/],
    ['"abc', '1:1: the string that begins with " has no end'],
    ['"a\nb"', '1:1: the string that begins with " has no end'],
    ['"\\q"', /^1:2: unknown escape `\\q`/],
    ['"\\ud800"', /^1:2: unknown escape/],
    ['"\\xff"', /^1:1: .* is not valid UTF-8/],
    ['"\\777"', /^1:2: the escape `\\777` is no byte/],
    ['1h30', /^1:1: `1h30` is neither a number nor a duration/],
    ['5m1h', /^1:1: `5m1h` is neither a number nor a duration/],
    ['1__0', /^1:1: `1__0` is neither a number nor a duration/],
    ['1e999', '1:1: `1e999` is too large'],
    ['a[300y]', '1:3: `300y` is too large'],
    ['a[0]', '1:3: the duration must be longer than 0'],
    ['a[-5m]', '1:3: unexpected `-`, expected a duration, like `5m`'],
    ['a[5m', '1:5: unexpected end of the query, expected `]`'],
    ['a[5m + 1m]', /^1:6: arithmetic with durations is experimental/],
    ['a offset step()', /^1:10: arithmetic with durations is experimental/],
    ['a[5m][5m]', /^1:6: only a selector has a range/],
    ['(a)[5m]', /^1:4: only a selector has a range/],
    ['a offset 1m[5m]', '1:12: the range stands before `offset`'],
    ['a @ 1[5m]', '1:6: the range stands before `@`'],
    ['a offset 1m offset 2m', '1:13: `offset` is given twice'],
    ['a @ 1 @ 2', '1:7: `@` is given twice'],
    ['(a) offset 1m', /^1:5: `offset` stands directly behind a selector/],
    ['sum(a) @ 1', /^1:8: `@` stands directly behind a selector/],
    ['a @ inf', '1:5: this time lies too far from today'],
    ['a @ -start()', /^1:6: unexpected `start`/],
    ['on', /^1:1: unexpected `on`, expected an expression/],
    ['rats(a[5m])', '1:1: unknown function `rats`; did you mean `rate`?'],
    [
      '1 + histogram_quantile(0.9, a)',
      '1:5: the function `histogram_quantile` is for histograms, which no check measures',
    ],
    ['limitk(2, a)', '1:1: the function `limitk` is experimental in Prometheus and not supported'],
    ['a anchored', '1:3: `anchored` is experimental in Prometheus and not supported'],
    ['a + fill(0) b', '1:5: `fill` is experimental in Prometheus and not supported'],
    // Types.
    ['rate(a)', '1:6: rate() needs a range vector here, not an instant vector: add a range, like `[5m]`'],
    ['abs(1)', '1:5: abs() needs an instant vector here, not a scalar: write vector(…) around it'],
    ['sum(a[5m])', /^1:5: sum\(\) needs an instant vector here, not a range vector/],
    ['vector(a)', '1:8: vector() needs a scalar here, not an instant vector: write scalar(…) around it'],
    ['topk("x", a)', '1:6: topk() needs a scalar here, not a string'],
    ['count_values(1, a)', '1:14: count_values() needs a string here, not a scalar'],
    ['topk(a)', '1:1: topk() takes 2 arguments, the parameter first, not 1'],
    ['sum()', '1:1: sum() takes 1 argument, not 0'],
    ['time(1)', '1:1: time() takes 0 arguments, not 1'],
    ['round()', '1:1: round() takes 1 or 2 arguments, not 0'],
    ['label_join(a, "b")', '1:1: label_join() takes at least 3 arguments, not 2'],
    ['-"a"', '1:1: `-` needs a scalar or an instant vector, not a string'],
    ['a[5m] + 1', /^1:1: `\+` needs a scalar or an instant vector here, not a range vector/],
    ['1 == 2', '1:1: a comparison of scalars needs `bool`: write `== bool`'],
    ['a + bool b', '1:1: `bool` is for comparisons, not for `+`'],
    ['a and 1', /^1:1: `and` needs instant vectors on both sides/],
    ['a + on(b) 1', '1:1: `on` needs instant vectors on both sides of `+`'],
    ['a or on(b) group_left() c', '1:1: `group_left` is not for `or`'],
    ['a + group_left() b', '1:5: `group_left` needs `on(…)` or `ignoring(…)` before it'],
    ['a + on(b) group_left(b) c', '1:1: the label `b` is in `on` and in `group_left`'],
    ['1[5m:]', /^1:1: a subquery needs an instant vector here, not a scalar/],
  ])('%j', (query, message) => {
    const read = () => parseQuery(query);
    expect(read).toThrow(QueryError);
    expect(read).toThrow(
      expect.objectContaining({
        type: 'bad_data',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    );
  });

  it.each([
    ['parentheses', '('.repeat(8_000)],
    ['signs', `${'- '.repeat(8_000)}a`],
    ['a chain', `a${'+a'.repeat(8_000)}`],
    ['a chain from the right', `a${'^a'.repeat(8_000)}`],
    ['functions', 'abs('.repeat(4_000)],
    ['subqueries', `a${'[5m:]'.repeat(3_000)}`],
  ])('a query that is nested too deeply by %s', (_, query) => {
    expect(() => parseQuery(query)).toThrow(/^\d+:\d+: the query is nested deeper than 200 levels$/);
  });

  it('a query that is too long', () => {
    expect(() => parseQuery('a'.repeat(16_385))).toThrow(
      'the query has 16385 characters; at most 16384 are read',
    );
    expect(parseQuery('a'.repeat(16_384))).toMatchObject({ kind: 'selector' });
  });
});

describe('a selector alone', () => {
  it('gives its matchers', () => {
    expect(parseMetricSelector('a{b!="c"}')).toEqual([
      { name: '__name__', op: '=', value: 'a' },
      { name: 'b', op: '!=', value: 'c' },
    ]);
  });

  it.each(['a[5m]', 'sum(a)', 'a offset 5m', 'a + b', '1', ''])('refuses %j', (query) => {
    expect(() => parseMetricSelector(query)).toThrow(QueryError);
  });
});
