// Evaluates the story and configuration of the demo without the minute that it takes.

import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../cli/config-file.ts';
import { evaluateRule, expectedTargets } from '../core/evaluate/evaluate.ts';
import type { Checkpoint } from '../core/model/checkpoint.ts';
import type { Config } from '../core/model/config.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Series } from '../core/model/sample.ts';
import type { Transition } from '../core/model/transition.ts';
import { CLIMBING_NODE, demoModels, STORY } from './demo-fleet.ts';

let config: Config;
let rule: Rule;
beforeAll(async () => {
  config = (await loadConfig('examples/demo/bartizan.yaml')).config;
  rule = config.rules.find(({ name }) => name === 'memory-usage') as Rule;
});

const EVERY_MS = 2_000;
const LIMIT_MS = 3 * 60_000;

/** Rounds are at even seconds of the clock; the fleet starts at any time: `offsetMs` before the first round. */
function emit(offsetMs: number): Transition[] {
  const models = demoModels(config);
  const targets = config.clusters.flatMap((cluster) =>
    cluster.nodes.map(({ name, role }) => ({ cluster: cluster.name, node: name, role })),
  );
  const transitions: Transition[] = [];
  let checkpoint: Checkpoint | undefined;
  const times: number[] = [];
  for (let ms = 0; ms < LIMIT_MS; ms += EVERY_MS) {
    times.push(ms);
    const seriesOf = (metric: string, value: (i: number, atMs: number) => number): Series[] =>
      targets.map((labels, i) => ({
        metric,
        labels,
        points: times.map((timeMs) => ({ timeMs, value: value(i, timeMs) })),
      }));
    const result = evaluateRule({
      rule,
      intervalMs: EVERY_MS,
      latenessMs: config.schedule.latenessMs,
      series: seriesOf('mem_usage', (i, atMs) => models[i]?.memory(atMs + offsetMs) ?? Number.NaN),
      up: seriesOf('up', () => 1),
      targets: expectedTargets(rule, targets),
      checkpoint,
      nowMs: ms,
    });
    checkpoint = result.checkpoint;
    transitions.push(...result.transitions);
  }
  return transitions;
}

describe('the story of the demo', () => {
  it.each([0, 400, 1_000, 1_999])(
    'has one alert from beginning to end when it starts %i ms into a round',
    (offsetMs) => {
      const reported = emit(offsetMs);
      expect(reported.map(({ kind, labels }) => `${labels.node} ${kind}`)).toEqual(
        ['pending', 'firing', 'resolved'].map((kind) => `${CLIMBING_NODE} ${kind}`),
      );
      const [pending, firing, resolved] = reported.map(({ atMs }) => atMs + offsetMs) as [
        number,
        number,
        number,
      ];
      expect(pending).toBeGreaterThan(STORY.climbMs);
      expect(pending).toBeLessThanOrEqual(STORY.topMs + EVERY_MS);
      expect(firing - pending).toBe(rule.forMs);
      expect(resolved).toBeGreaterThan(STORY.fallMs + rule.keepFiringForMs);
      expect(resolved).toBeLessThan(70_000);
    },
  );
});
