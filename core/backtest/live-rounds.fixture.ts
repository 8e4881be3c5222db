// Live rounds over random values in virtual time, for tests that compare a backtest with what they emitted and sent.

import { createStageFixture, MINUTE, memory, nodeDown, route, START } from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';

export const EVERY_SLOW = 20;
const QUARTER_MS = 15_000;
const STEPS = ['good', 'near', 'bad', 'worse', 'lacking', 'down', 'untried'] as const;

export type Step = (typeof STEPS)[number];
export const STEP_NAMES: readonly Step[] = STEPS;

const VALUES: Readonly<Partial<Record<Step, number>>> = { good: 50, near: 87, bad: 93, worse: 99 };
const quiet = { ...memory, inhibitedBy: [] };

/** One of each kind that evaluates in its own way. */
export const RULES: readonly Rule[] = [
  nodeDown,
  { ...memory, supersededBy: ['worse'] },
  { ...quiet, name: 'worse', condition: { kind: 'above', threshold: 97 }, severity: 'critical' },
  { ...memory, name: 'hysteresis', recoveryThreshold: 85, keepFiringForMs: 3 * MINUTE },
  { ...quiet, name: 'window', window: { lastMs: 5 * MINUTE, reduce: 'avg' }, forMs: 0 },
  { ...quiet, name: 'forecast', window: { lastMs: 20 * MINUTE, reduce: 'forecast', aheadMs: 20 * MINUTE } },
  { ...quiet, name: 'aggregate', aggregate: { by: ['cluster'], op: 'max' } },
  {
    ...quiet,
    name: 'ratio',
    metric: 'mem_usage',
    over: 'cpu_usage',
    condition: { kind: 'above', threshold: 1.2 },
  },
  { ...quiet, name: 'missing', noData: 'alerting' },
  { ...quiet, name: 'ends', noData: 'ok' },
  {
    ...{ ...quiet, name: 'slow', metric: 'cert_expiry', forMs: EVERY_SLOW * MINUTE, noData: 'alerting' },
    condition: { kind: 'below', threshold: 90 },
  },
];

/** Runs rounds with these steps of two nodes, evaluated each minute and notified each quarter of one. */
export async function runLiveRounds(steps: readonly (readonly Step[])[], rules: readonly Rule[] = RULES) {
  const fixture = createStageFixture({
    rules: [...rules],
    routes: [
      {
        ...route,
        name: 'critical',
        match: { severity: ['critical'] },
        channels: ['pager'],
        groupBy: ['cluster', 'node'],
      },
      { ...route, groupWaitMs: 30_000, repeatIntervalMs: 30 * MINUTE },
    ],
    channels: ['ops', 'pager'].map((name) => ({ name, type: 'webhook', theme: 'dark', options: {} })),
  });
  const check = { name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} };
  fixture.config.checks = [check, { ...check, name: 'pki', probe: 'pki', everyMs: EVERY_SLOW * MINUTE }];
  const half = START + Math.floor((steps[0]?.length ?? 0) / 2) * MINUTE;
  fixture.config.silences = [
    { match: { node: ['n2'] }, fromMs: half, untilMs: half + 20 * MINUTE, comment: 'half-time' },
  ];
  const transitions: Transition[] = [];
  const minutes = steps[0]?.length ?? 0;
  const play = async (minute: number) => {
    for (const [i, ofNode] of steps.entries()) put(fixture, minute, `n${i + 1}`, ofNode[minute] ?? 'untried');
    fixture.time.jumpTo(START + minute * MINUTE);
    transitions.push(...(await fixture.evaluate(minute)));
    for (let quarter = 0; quarter < 4; quarter++) {
      fixture.time.jumpTo(START + minute * MINUTE + quarter * QUARTER_MS);
      while ((await fixture.notify()) > 0);
    }
  };
  await fixture.evaluate(-1);
  for (let minute = 0; minute < minutes; minute++) await play(minute);
  return { fixture, transitions, fromMs: START - MINUTE, toMs: START + (minutes - 1) * MINUTE };
}

function put(fixture: ReturnType<typeof createStageFixture>, minute: number, name: string, step: Step): void {
  const value = VALUES[step];
  if (step === 'down') fixture.put(minute, { [name]: 0 }, 'up');
  else if (step === 'lacking') fixture.put(minute, { [name]: 1 }, 'up');
  else if (value !== undefined) {
    fixture.put(minute, { [name]: value });
    if (minute % 2 === 0) fixture.put(minute, { [name]: 80 }, 'cpu_usage');
    if (minute % EVERY_SLOW === 0) fixture.put(minute, { [name]: value }, 'cert_expiry');
  }
}
