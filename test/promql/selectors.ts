// Selectors, range vectors and subqueries that follow from a seed.
import type { Random } from '../simulation/random.ts';
import type { Choose, Expression } from './expressions.ts';
import { type MetricShape, SAMPLES_FROM_MS, SHAPES } from './samples.ts';

export interface Selectors {
  instant(): Expression;
  range(): Expression;
  subquery(of: Expression): Expression;
}

/** Values that exist, and some that do not. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  cluster: ['blue', 'red', ''],
  node: ['cp-1', 'cp-2', 'worker-1', 'none'],
  mount: ['/', '/var'],
  device: ['eth0', 'eth1'],
  version: ['v1.36', 'v1.37'],
  case: ['nan', 'infinite', 'zero', 'huge', 'tiny', 'cancelling', 'negative', 'constant'],
  missing: ['', 'x'],
};
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['blue|red', 'b.*', '.+', '', 'lu'],
  node: ['cp-.*', '(cp|worker)-1', 'cp-\\\\d', '.*', '(?i)CP-1', 'cp-[^2]'],
  mount: ['/.*', '/', '/v[a-z]{2}'],
  device: ['eth.', 'eth[0-9]'],
  version: ['v1\\\\.3[67]', '.*37'],
  case: ['n.*', 'nan|infinite|zero', '[^h].*', '.+y'],
  missing: ['', '.*', '.+', 'x?'],
};
const RANGES = [
  '1m',
  '2m',
  '5m',
  '90s',
  '7m30s',
  '1ms',
  '61s',
  '10m',
  '1h',
  '1m1ms',
  '300',
  '2h30m',
] as const;
const OFFSETS = ['5m', '1m', '-1m', '-10m', '30s', '1h', '1ms', '-1ms', '90s', '-5m'] as const;
const STEPS = ['', '1m', '30s', '2m', '90s', '7m', '61s'] as const;

export function createSelectors(random: Random, choose: Choose): Selectors {
  function matchers({ name, labels }: MetricShape): string {
    const candidates = random.chance(0.5) ? [] : [...labels, ...labels, 'missing'];
    const named = new Set(candidates.filter(() => random.chance(0.25)));
    const written = [...named].map((label) => {
      const op = choose('matcher', ['=', '!=', '=~', '!~']);
      const values = op === '=' || op === '!=' ? VALUES : PATTERNS;
      return `${label}${op}"${random.pick(values[label] as readonly string[])}"`;
    });
    if (random.chance(0.1)) return `{${[`__name__="${name}"`, ...written].join(',')}}`;
    return written.length === 0 ? name : `${name}{${written.join(', ')}}`;
  }

  /** `offset` and `@`, in either order. */
  function modifiers(): string {
    const which = choose('modifier', { none: 5, offset: 2, at: 1, both: 1 });
    const offset = ` offset ${choose('offset', OFFSETS)}`;
    const second = SAMPLES_FROM_MS / 1000 + random.int(60, 200) * 60 + random.pick([0, 0, 0.001, 30]);
    const at = ` @ ${choose('at', ['start()', 'end()', 'time']).replace('time', String(second))}`;
    if (which === 'both') return random.chance(0.5) ? offset + at : at + offset;
    if (which === 'offset') return offset;
    return which === 'at' ? at : '';
  }

  function shape(): MetricShape {
    const name = choose(
      'metric',
      SHAPES.map((one) => one.name),
    );
    return SHAPES.find((one) => one.name === name) as MetricShape;
  }

  return {
    instant() {
      const of = shape();
      return { text: matchers(of) + modifiers(), labels: of.labels };
    },
    range() {
      const of = shape();
      return { text: `${matchers(of)}[${choose('range', RANGES)}]${modifiers()}`, labels: of.labels };
    },
    subquery({ text, labels }) {
      const step = choose('step', STEPS);
      return {
        text: `(${text})[${random.pick(['5m', '10m', '3m', '61s', '30m'])}:${step}]${modifiers()}`,
        labels,
      };
    },
  };
}
