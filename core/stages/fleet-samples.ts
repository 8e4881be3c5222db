// What a round says about the fleet as a whole: how many nodes are watched, and how old the inventory is.

import { z } from 'zod';
import { type CoverageReport, countByReason, reportCoverage } from '../coverage-report.ts';
import { describeError } from '../errors.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import type { TargetStatus } from '../model/target-status.ts';
import type { Meter, SourceAnswer } from '../ports.ts';
import type { StoreSettings } from './late-samples.ts';
import { type StorePorts, writeSamples } from './store.ts';

/** Names of the sources whose age was written last: one that is gone gets a last sample, so that its alert ends. */
const SOURCES_KEY = 'fleet/sources';
const knownSchema = z.array(z.string());

/**
 * Writes the samples of coverage and of the inventory, and sets the gauges of the same numbers. Before the round's last evaluation,
 * and once each round. A failure is counted, and costs these samples only.
 */
export async function writeFleetSamples(
  round: {
    roundMs: number;
    targets: readonly Target[];
    statuses: () => Promise<readonly TargetStatus[]>;
    answers: readonly SourceAnswer[];
  },
  ports: StorePorts,
  settings: StoreSettings,
): Promise<void> {
  const { state, clock, meter, logger } = ports;
  const { roundMs, targets, answers } = round;
  try {
    const nowMs = clock.nowMs();
    const statuses = await round.statuses();
    const report = reportCoverage({ targets, checks: settings.config.checks, statuses, nowMs });
    const before = knownSchema.safeParse(await state.counters.load(SOURCES_KEY)).data ?? [];
    const names = answers.map(({ source }) => source);
    const gone = before.filter((source) => !names.includes(source));
    const samples = [
      ...coverageSamples(report, roundMs, meter),
      ...ageSamples(answers, gone, roundMs, nowMs),
    ];
    await writeSamples(samples, roundMs, ports, settings);
    const isNew = names.some((source) => !before.includes(source));
    if (gone.length > 0 || isNew) await state.counters.save(SOURCES_KEY, names);
  } catch (error) {
    meter.count('coverage_failures_total');
    logger.warn('the round has no numbers of watched nodes: state or store failed', {
      error: describeError(error),
    });
  }
}

function coverageSamples(report: CoverageReport, timeMs: number, meter: Meter): Sample[] {
  meter.gauge('nodes_watched', report.watched);
  meter.gauge('nodes_unwatched', report.unwatched.length);
  return [...countByReason(report)].map(([reason, value]) => {
    meter.gauge('nodes_unwatched_by_reason', value, { reason });
    return { metric: 'unwatched_nodes', labels: { reason }, timeMs, value };
  });
}

function ageSamples(
  answers: readonly SourceAnswer[],
  gone: readonly string[],
  timeMs: number,
  nowMs: number,
): Sample[] {
  const ages = [
    ...answers.map(({ source, answeredAtMs }) => ({
      source,
      value: Math.max(0, nowMs - answeredAtMs) / 1000,
    })),
    ...gone.map((source) => ({ source, value: 0 })),
  ];
  return ages.map(({ source, value }) => ({ metric: 'inventory_age', labels: { source }, timeMs, value }));
}
