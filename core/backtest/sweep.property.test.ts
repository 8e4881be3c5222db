import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runHistory } from './history-run.ts';
import { RULES, runLiveRounds, STEP_NAMES, type Step } from './live-rounds.fixture.ts';
import { evaluateVariants } from './sweep.ts';
import { type SweepAxis, variantsOf } from './sweep-axes.ts';

const MINUTES = 120;
const MINUTE = 60_000;

const ofNode = fc
  .array(fc.tuple(fc.constantFrom(...STEP_NAMES), fc.constantFrom(1, 2, 3, 5, 8, 30)), { minLength: 30 })
  .map((streaks): Step[] =>
    Array.from({ length: 40 }, () => streaks)
      .flat()
      .flatMap(([step, length]) => Array.from({ length }, () => step))
      .slice(0, MINUTES),
  );

const holds: SweepAxis = { field: 'for', values: [0, 2 * MINUTE, 7 * MINUTE] };
const keeps: SweepAxis = { field: 'keepFiringFor', values: [0, 4 * MINUTE] };

describe('a sweep', () => {
  it('finds for each variant what a run of that rule alone finds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(ofNode, ofNode), async (steps) => {
        const { fixture, fromMs, toMs } = await runLiveRounds(steps, []);
        const { config, targets } = fixture;
        const ports = { store: fixture.ports.store, longestSliceMs: 7 * MINUTE };
        for (const rule of RULES) {
          const { kind } = rule.condition;
          const thresholds = rule.name === 'ratio' ? [1, 1.2, 2] : [60, 90, 92, 98, 120];
          const isSwept = (kind === 'above' || kind === 'below') && rule.metric !== 'up';
          const bounds: SweepAxis = isSwept ? { field: kind, values: thresholds } : keeps;
          const { recoveryThreshold: _recovery, ...plain } = rule;
          for (const swept of [variantsOf(plain, [bounds, holds]), variantsOf(rule, [holds, keeps])]) {
            const request = { config: { ...config, rules: RULES }, rule, variants: swept, targets };
            const range = { silences: [], fromMs, toMs };
            const { emitted } = await evaluateVariants({ ...request, ...range }, ports);
            for (const [i, variant] of swept.entries()) {
              const alone = await runHistory({ config, rules: [variant.rule], targets, fromMs, toMs }, ports);
              expect(emitted[i]).toEqual(alone.transitions);
            }
          }
        }
      }),
      { numRuns: 2 },
    );
  });
});
