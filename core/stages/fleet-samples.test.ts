import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMeter } from '../../local/meter.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { reportCoverage, UNWATCHED } from '../coverage-report.ts';
import type { Check } from '../model/check.ts';
import { FAILURES } from '../model/observation.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { WHOLE } from '../plan/shards.ts';
import type { SampleStore } from '../ports.ts';
import { writeFleetSamples } from './fleet-samples.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;
const checks: Check[] = [
  {
    name: 'usage',
    probe: 'usage',
    everyMs: MINUTE,
    where: { role: ['etcd', 'apiserver'] },
    whereNot: { cluster: ['lab'] },
    maxNewLabelSets: 100,
    options: {},
  },
];
const settings = {
  config: { rules: [], checks, schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE } },
  shards: [WHOLE],
};
const target = (node: string, more: Partial<Target> = {}): Target => ({
  cluster: 'c',
  node,
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'gate',
  hostKeys: [],
  ...more,
});

function createTrial() {
  const written: Sample[] = [];
  const trial = { error: undefined as Error | undefined };
  const [state, meter, logger] = [createMemoryState(), createMeter(), createRecordingLogger()];
  const store = {
    async write(samples: readonly Sample[]) {
      if (trial.error) throw trial.error;
      written.push(...samples);
      return { written: samples.length, duplicates: 0, rejected: [] };
    },
  } as unknown as SampleStore;
  const write = async (round: Partial<Parameters<typeof writeFleetSamples>[0]> = {}) => {
    written.splice(0);
    const ports = { store, state, clock: { nowMs: () => NOW }, logger, meter };
    const full = { roundMs: NOW, targets: [], answers: [], statuses: async () => [], ...round };
    await writeFleetSamples(full, ports, settings);
  };
  const valuesOf = (metric: string): Record<string, number> =>
    Object.fromEntries(
      written
        .filter((sample) => sample.metric === metric)
        .map(({ labels, value }) => [labels.reason ?? labels.source, value]),
    );
  return { trial, meter, logger, write, valuesOf, written };
}

const anyStatus = (node: string): fc.Arbitrary<TargetStatus> =>
  fc.record({
    cluster: fc.constantFrom('c', 'lab'),
    node: fc.constant(node),
    check: fc.constantFrom('usage', 'gone'),
    roundMs: fc.integer({ min: NOW - 10 * MINUTE, max: NOW }),
    ok: fc.boolean(),
    reason: fc.constantFrom(...FAILURES),
  });
const anyBastion = fc.record({
  cluster: fc.constant(''),
  node: fc.constantFrom('gate', 'other'),
  check: fc.constant('0'),
  roundMs: fc.integer({ min: NOW - 10 * MINUTE, max: NOW }),
  ok: fc.boolean(),
});
const anyNode = fc.record({
  cluster: fc.constantFrom('c', 'lab'),
  role: fc.constantFrom('etcd', 'apiserver', 'controlplane'),
  bastion: fc.constantFrom('gate', 'other'),
});
const anyFleet = fc
  .array(anyNode, { maxLength: 12 })
  .map((nodes) => nodes.map((more, i) => target(`n${i}`, more as Partial<Target>)))
  .chain((targets) =>
    fc.record({
      targets: fc.constant(targets),
      statuses: fc
        .tuple(
          fc.array(anyBastion, { maxLength: 2 }),
          ...targets.map(({ node }) => fc.array(anyStatus(node), { maxLength: 2 })),
        )
        .map((parts): TargetStatus[] => parts.flat()),
    }),
  );

describe('the numbers of watched nodes', () => {
  it('are those of the command, in the metrics as in the samples, and add up to the fleet', async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async ({ targets, statuses }) => {
        const { write, valuesOf, meter } = createTrial();
        await write({ targets, statuses: async () => statuses });
        const report = reportCoverage({ targets, checks, statuses, nowMs: NOW });
        const samples = valuesOf('unwatched_nodes');
        expect(Object.keys(samples)).toEqual([...UNWATCHED]);
        for (const reason of UNWATCHED) {
          const ofReason = report.unwatched.filter((one) => one.reason === reason).length;
          expect([reason, samples[reason]]).toEqual([reason, ofReason]);
          expect(meter.text()).toContain(
            `bartizan_nodes_unwatched_by_reason{reason="${reason}"} ${ofReason}\n`,
          );
        }
        const unwatched = Object.values(samples).reduce((sum, value) => sum + value, 0);
        expect(report.watched + unwatched).toBe(targets.length);
        expect(meter.text()).toContain(`bartizan_nodes_watched ${report.watched}\n`);
        expect(meter.text()).toContain(`bartizan_nodes_unwatched ${unwatched}\n`);
      }),
      { numRuns: 60 },
    );
  });

  it('cost themselves only where state or store fails, and that is counted', async () => {
    const { trial, write, meter, logger } = createTrial();
    await write({ statuses: () => Promise.reject(new Error('no state')) });
    trial.error = new Error('disk full');
    await write();
    expect(meter.total('coverage_failures_total')).toBe(2);
    expect(logger.lines.map(({ fields }) => fields?.error)).toEqual(['no state', 'disk full']);
  });
});

describe('the age of the inventory', () => {
  it('is written for each source that is known to have answered', async () => {
    const { write, valuesOf } = createTrial();
    await write({
      answers: [
        { source: 'http cmdb', answeredAtMs: NOW - 90_000 },
        { source: 'ssm', answeredAtMs: NOW + 5_000 },
      ],
    });
    expect(valuesOf('inventory_age')).toEqual({ 'http cmdb': 90, ssm: 0 });
  });

  it('of a source that is no longer configured ends with 0, once', async () => {
    const { write, valuesOf } = createTrial();
    const old = { source: 'old', answeredAtMs: NOW - 2 * 3_600_000 };
    await write({ answers: [old] });
    await write({ answers: [old] });
    expect(valuesOf('inventory_age')).toEqual({ old: 7_200 });
    await write();
    expect(valuesOf('inventory_age')).toEqual({ old: 0 });
    await write();
    expect(valuesOf('inventory_age')).toEqual({});
  });
});
