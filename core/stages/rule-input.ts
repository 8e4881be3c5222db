import { evaluationRange, expectedTargets } from '../evaluate/evaluate.ts';
import { readEvery } from '../evaluate/forecast-step.ts';
import { nodeKey } from '../evaluate/identity.ts';
import type { EvaluateInput } from '../evaluate/model.ts';
import { evaluatedFromMs } from '../evaluate/range.ts';
import { ruleIntervals } from '../intervals.ts';
import { createMeasured } from '../measured.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import type { ShardView } from '../plan/shards.ts';
import type { SampleStore } from '../ports.ts';
import { queryRule } from '../rule-query.ts';
import { queryBlindRounds } from './blind-rounds.ts';
import type { createUpQuery, ShardRound } from './shard-round.ts';

export type UpQuery = ReturnType<typeof createUpQuery>;

type Asked = Pick<EvaluateInput, 'nowMs' | 'checkpoint' | 'partials'> & {
  alerts: NonNullable<EvaluateInput['alerts']>;
};

/** Reads what one evaluation of a rule needs: its samples, `up`, blind rounds. With `partials` no samples. */
export async function readRuleInput(
  rule: Rule,
  { targets, selection }: Pick<ShardView, 'targets' | 'selection'>,
  { nowMs, checkpoint, alerts, partials }: Asked,
  round: Pick<ShardRound, 'checks' | 'intervals' | 'latenessMs'> & { store: Pick<SampleStore, 'query'> },
  upSince: UpQuery,
): Promise<EvaluateInput> {
  const { checks, latenessMs } = round;
  const expected = expectedTargets(rule, targets);
  const known = ruleIntervals(round.intervals, rule, expected);
  const span = { rule, ...known, latenessMs, checkpoint, nowMs };
  const { fromMs } = evaluationRange(span);
  const range = { fromMs, toMs: nowMs, ...readEvery(rule, known) };
  const foldFromMs = evaluatedFromMs(span);
  const lookup = { checks, alerts, checkpoint, fromMs: foldFromMs, toMs: nowMs, selection };
  return {
    ...span,
    series: partials ? [] : await queryRule(round.store, rule, { ...range, ...selection }),
    ...(partials && { partials }),
    up: await upSince(foldFromMs),
    ...(!partials && { blind: await queryBlindRounds(rule, round, lookup) }),
    isMeasured: createMeasured(rule, checks, expected),
    targets: expected,
    ...(rule.inventory && { isUnselected: inFleet(targets) }),
    alerts,
  };
}

/** Few rounds ask: only an alert whose target the rule no longer selects. */
function inFleet(targets: readonly Target[]): (labels: Labels) => boolean {
  let nodes: Set<string | undefined> | undefined;
  return (labels) => {
    nodes ??= new Set(targets.map(({ cluster, node }) => nodeKey({ cluster, node })));
    return nodes.has(nodeKey(labels));
  };
}
