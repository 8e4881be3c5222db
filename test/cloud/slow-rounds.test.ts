// The alarms of deployments with minutes or an hour between rounds: each begins once when a fault begins, and ends once
// after it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Config } from '../../core/model/config.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { queueTimesSeconds } from '../../lib/timing.ts';
import { resources, synthExample } from '../stacks/synth.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { alarmsAt, exampleAlarms } from './example-alarms.ts';
import type { Datum } from './faults.ts';
import { fleetConfig, observeFleet } from './fleet.ts';
import { urlOf } from './stages.ts';

/** A multiple of each interval. */
const START = 420 * 1_200 * 3_600_000;
const INTERVALS = [1, 6, 7, 10, 30, 60];
/** A function can count the values of these alarms at any time, or again and again, a minute apart. */
const ANY_TIME = /^(store|evaluate|deliver)Retries|FailingAge|^DeliveriesFailed|^Undelivered|^NotifyFailing/;
const nameOf = (id: string) => id.replace(/Alarm[0-9A-F]{8}$/, '').replace(/^Rounds/, '');

describe.each(INTERVALS)('with a round every %d min', (every) => {
  const stack = exampleAlarms(every);
  const own = stack.alarms.filter(({ Properties }) => Properties.Namespace === 'Bartizan');

  it('each alarm on counts of functions begins once during a fault, and ends once after it', () => {
    const above = own.filter(({ Properties }) => Properties.ComparisonOperator === 'GreaterThanThreshold');
    expect(above.length).toBeGreaterThan(15);
    const first = 3;
    const last = first + Math.max(5, Math.ceil(20 / every));
    const end = last + 3 + Math.ceil(20 / every);
    for (const { id, Properties } of above) {
      const { MetricName: name, Dimensions, Threshold } = Properties;
      const service = Dimensions[0].Value;
      const isOften = ANY_TIME.test(nameOf(id));
      const data: Datum[] = [];
      for (let round = first; round < end; round++) {
        const isFaulty = round <= last;
        // Without a fault a counter has no value, and a gauge has one in each round.
        if (!isFaulty && Properties.Statistic === 'Sum') continue;
        const value = isFaulty ? Threshold + 1 : 0;
        for (let minute = 0; minute < (isOften ? every : 1); minute++) {
          const lateMs = (round % 2) * 110_000;
          data.push({ atMs: START + (round * every + minute) * MINUTE + lateMs, service, name, value });
        }
      }
      const during = alarmsAt(data, START, (last + 1) * every, stack);
      expect([nameOf(id), during.on]).toEqual([nameOf(id), expect.arrayContaining([nameOf(id)])]);
      const { notified } = alarmsAt(data, START, (end + 1) * every, stack);
      const ofIt = notified.filter((line) => line.endsWith(` ${nameOf(id)}`));
      expect(ofIt).toEqual([`ALARM ${nameOf(id)}`, `OK ${nameOf(id)}`]);
    }
  });

  it('each period of the alarms on plan and probe contains a round', () => {
    const ofCalls = stack.alarms.filter(
      ({ id, Properties }) => Properties.Namespace === 'AWS/Lambda' && /^(Plan|Probe)/.test(id),
    );
    expect(ofCalls).toHaveLength(4);
    for (const { Properties } of ofCalls) expect(Properties.Period).toBe(Math.max(300, (every + 2) * 60));
  });

  it('a queue keeps its messages longer than the alarm on their age needs, and for three rounds', () => {
    const queues = new Map(
      resources(synthExample({ replace: [['every: 1m', `every: ${every}m`]] }), 'AWS::SQS::Queue').map(
        ({ id, Properties }) => [id, Properties],
      ),
    );
    const onAge = stack.alarms.filter(
      ({ Properties }) => Properties.MetricName === 'ApproximateAgeOfOldestMessage',
    );
    expect(onAge).toHaveLength(5);
    for (const { id, Properties } of onAge) {
      const kept = queues.get(Properties.Dimensions[0].Value['Fn::GetAtt'][0])?.MessageRetentionPeriod;
      const { Threshold, Period, EvaluationPeriods } = Properties;
      expect([id, kept]).toEqual([id, expect.any(Number)]);
      expect(kept).toBeGreaterThan(Threshold + Period * EvaluationPeriods);
      expect(kept).toBeGreaterThanOrEqual(3 * every * 60);
    }
    const failing = own.filter(({ Properties }) => Properties.MetricName === 'failing_message_age_seconds');
    const times = queueTimesSeconds(every * 60);
    for (const { Properties } of failing) {
      const stage = Properties.Dimensions[0].Value as keyof typeof times;
      expect(Properties.Threshold).toBe(times[stage].oldest);
    }
  });
});

describe.each([1, 7, 10, 60])(
  'through the functions, with a round every %d min, alarms begin and end when',
  (every) => {
    const base = fleetConfig({ bastions: 1, clusters: 2 });
    const config = { ...base, checks: base.checks.map((check) => ({ ...check, everyMs: every * MINUTE })) };
    const stack = exampleAlarms(every);
    const faultyRounds = Math.max(6, Math.ceil(25 / every));

    async function run(
      of: Config,
      steps: (cloud: Cloud, rounds: (count: number) => Promise<void>) => Promise<void>,
      probe: (batch: Batch) => BatchObservation = observeFleet,
    ) {
      const dir = mkdtempSync(join(tmpdir(), 'bartizan-slow-'));
      const data: Datum[] = [];
      const cloud = startCloud({
        config: of,
        dir,
        startMs: START,
        probe,
        onMetric: (datum) => data.push(datum),
      });
      let next = 0;
      const rounds = async (count: number) => {
        for (let i = 0; i < count; i++) await cloud.round(START + next++ * every * MINUTE);
      };
      try {
        await steps(cloud, rounds);
        return { cloud, notified: alarmsAt(data, START, next * every, stack).notified };
      } finally {
        await cloud.store.close();
        rmSync(dir, { recursive: true });
      }
    }
    const of = (notified: string[], name: string) => notified.filter((line) => line.endsWith(` ${name}`));
    const afterRounds = 4 + Math.ceil(20 / every);

    it('the store refuses samples', async () => {
      const { notified } = await run(config, async (cloud, rounds) => {
        await rounds(2);
        cloud.fault.refused = ({ metric }) => metric === 'mem_usage';
        await rounds(faultyRounds);
        cloud.fault.refused = () => false;
        await rounds(afterRounds);
      });
      expect(notified).toEqual(['ALARM SamplesRefused', 'OK SamplesRefused']);
    });

    it('batches cannot be probed', async () => {
      let isBroken = false;
      const probe = (batch: Batch) => {
        if (isBroken) throw new ConfigError('the parameter of the key is gone');
        return observeFleet(batch);
      };
      const { notified } = await run(
        config,
        async (_, rounds) => {
          await rounds(2);
          isBroken = true;
          await rounds(faultyRounds);
          isBroken = false;
          await rounds(afterRounds);
        },
        probe,
      );
      for (const name of ['probeBatchesFailed', 'probeRetries'])
        expect(of(notified, name)).toEqual([`ALARM ${name}`, `OK ${name}`]);
    });

    it('a rule cannot be evaluated', async () => {
      const [first, ...others] = config.rules;
      if (!first) throw new Error('the fleet has no rule');
      const broken = { ...config, rules: [{ ...first, where: { node: null as never } }, ...others] };
      const { notified } = await run(broken, (_, rounds) => rounds(faultyRounds));
      expect(notified).toEqual(['ALARM RuleFailing']);
    });

    it('the store fails for half an interval: the round is evaluated when it works again', async () => {
      const { cloud } = await run(config, async (at, rounds) => {
        await rounds(2);
        at.fault.store = true;
        await rounds(1);
        await at.wait(at.nowMs() + (every / 2) * MINUTE);
        at.fault.store = false;
        await at.settle();
        await at.wait(at.nowMs() + 2 * MINUTE);
      });
      expect(cloud.queues.expired(urlOf('evaluate'))).toBe(0);
      expect(cloud.meter.total('rounds_total')).toBe(3);
    });
  },
);
