import { describe, expect, it } from 'vitest';
import { silenceOf } from '../../test/contract/state-silences.ts';
import {
  createStageFixture,
  fire,
  MINUTE,
  memory,
  route,
  START,
  type StageFixture,
} from '../../test/stage-fixture.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Config } from '../model/config.ts';
import { NO_RECIPIENT_REASONS, RECIPIENT_REASONS } from '../notify/recipients.ts';
import { reportAlerts } from './alert-report.ts';
import { groupTransitions } from './group.ts';

type Options = NonNullable<Parameters<typeof createStageFixture>[0]>;

const channel = (name: string, fallback?: string) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
  ...(fallback !== undefined && { fallback }),
});

/** What each recipient of the alert of n1 is shown as, after `run`. */
async function explained(options: Options, run: (fixture: StageFixture) => Promise<unknown>) {
  const fixture = createStageFixture(options);
  const changed = (await run(fixture)) as Partial<Config> | undefined;
  const nowMs = fixture.time.clock.nowMs();
  const config = { ...fixture.config, ...changed } as Config;
  const reports = await reportAlerts(fixture.state, config, nowMs);
  const report = reports.find(({ rule, labels }) => rule === 'memory' && labels.node === 'n1');
  if (!report?.recipients) throw new Error('there is no such alert');
  const nobody = report.nobody?.reason;
  const recipients = report.recipients.map(({ channel: name, reason, untilMs, failure, rule, others }) => ({
    channel: name,
    reason,
    ...(untilMs !== undefined && { minute: (untilMs - START) / MINUTE }),
    ...(failure && { failure }),
    ...(rule !== undefined && { rule }),
    ...(others && { others }),
  }));
  return { nobody, recipients, routes: report.routes };
}

/** n2 fires and is sent first; n1 fires at minute 5. */
async function sendOther(fixture: StageFixture): Promise<void> {
  for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 50, n2: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await fixture.notify();
  for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 95, n2: 95 });
  await fixture.goTo(5);
  await fixture.evaluate(5);
  await fixture.notify();
}

/** Each way of being sent or not; the test at the end holds that no reason is missing. */
const CASES: readonly (readonly [
  reason: string,
  options: Options,
  run: (fixture: StageFixture) => Promise<unknown>,
  wanted: object,
])[] = [
  [
    'pending',
    {},
    async (fixture) => {
      fixture.put(0, { n1: 95 });
      await fixture.evaluate(0);
    },
    { nobody: 'pending', recipients: [] },
  ],
  [
    'no-route',
    { routes: [{ ...route, match: { cluster: ['test-*'] } }] },
    fire,
    {
      nobody: 'no-route',
      recipients: [],
      routes: [expect.objectContaining({ outcome: 'passed', why: 'cluster is prod, not test-*' })],
    },
  ],
  ['no-channel', { routes: [{ ...route, channels: [] }] }, fire, { nobody: 'no-channel', recipients: [] }],
  [
    'rule-gone',
    {},
    async (fixture) => {
      await fire(fixture);
      return { rules: [] };
    },
    { nobody: 'rule-gone', recipients: [] },
  ],
  ['not-grouped-yet', {}, fire, { recipients: [{ channel: 'ops', reason: 'not-grouped-yet' }] }],
  [
    'sent',
    {},
    async (fixture) => {
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [{ channel: 'ops', reason: 'sent' }] },
  ],
  [
    'silenced',
    {},
    async (fixture) => {
      await fixture.state.putSilence(
        silenceOf('s1', START + 60 * MINUTE, {
          fromMs: START,
          matchers: [{ name: 'node', op: '=', value: 'n1' }],
        }),
      );
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [{ channel: 'ops', reason: 'silenced', minute: 60 }] },
  ],
  [
    'inhibited',
    { rules: [memory, { ...memory, name: 'node-down', metric: 'cpu_usage', forMs: 0, inhibitedBy: [] }] },
    async (fixture) => {
      fixture.put(2, { n1: 99 }, 'cpu_usage');
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [{ channel: 'ops', reason: 'inhibited', rule: 'node-down' }] },
  ],
  [
    'superseded',
    {
      rules: [
        { ...memory, inhibitedBy: [], supersededBy: ['memory.critical'] },
        { ...memory, name: 'memory.critical', inhibitedBy: [] },
      ],
    },
    async (fixture) => {
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [{ channel: 'ops', reason: 'superseded', rule: 'memory.critical' }] },
  ],
  [
    'group-wait',
    { routes: [{ ...route, groupWaitMs: 3 * MINUTE }] },
    async (fixture) => {
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [{ channel: 'ops', reason: 'group-wait', minute: 5 }] },
  ],
  [
    'group-interval',
    {},
    sendOther,
    { recipients: [{ channel: 'ops', reason: 'group-interval', minute: 7 }] },
  ],
  [
    'paced',
    { routes: [{ ...route, groupBy: ['node'] }] },
    async (fixture) => {
      const ops = fixture.ports.channels.get('ops');
      if (ops) ops.destination = async () => ({ key: 'chat', everyMs: 10 * MINUTE });
      await sendOther(fixture);
    },
    { recipients: [{ channel: 'ops', reason: 'paced', minute: expect.closeTo(12, 0) }] },
  ],
  [
    'due',
    {},
    async (fixture) => {
      await fire(fixture);
      await groupTransitions(fixture.config, fixture.ports);
    },
    { recipients: [{ channel: 'ops', reason: 'due' }] },
  ],
  [
    'channel-failing',
    {},
    async (fixture) => {
      fixture.answers.ops = async () => {
        throw new RetryableError('503 Service Unavailable');
      };
      await fire(fixture);
      await fixture.notify();
    },
    {
      recipients: [
        {
          channel: 'ops',
          reason: 'channel-failing',
          minute: expect.closeTo(2, 0),
          failure: { sinceMs: START + 2 * MINUTE, tries: 1, error: '503 Service Unavailable' },
        },
      ],
    },
  ],
  [
    'rate-limited',
    {},
    async (fixture) => {
      fixture.answers.ops = async () => {
        throw new RetryableError('429 Too Many Requests', { retryAfterMs: 30_000 });
      };
      await fire(fixture);
      await fixture.notify();
    },
    { recipients: [expect.objectContaining({ channel: 'ops', reason: 'rate-limited' })] },
  ],
  [
    'sent-by-other-channel',
    { channels: [channel('ops', 'mail'), channel('mail')] },
    async (fixture) => {
      fixture.answers.ops = async () => {
        throw new PermanentError('404 no such chat');
      };
      await fire(fixture);
      for (const minute of [2, 8, 9]) {
        await fixture.goTo(minute);
        await fixture.notify();
        await fixture.notify();
      }
    },
    {
      recipients: expect.arrayContaining([
        expect.objectContaining({ channel: 'ops', reason: 'sent-by-other-channel', others: ['mail'] }),
        { channel: 'mail', reason: 'sent' },
      ]),
    },
  ],
  [
    'channel-gone',
    { routes: [{ ...route, groupWaitMs: 3 * MINUTE }] },
    async (fixture) => {
      await fire(fixture);
      await fixture.notify();
      return { channels: [] };
    },
    { recipients: [expect.objectContaining({ channel: 'ops', reason: 'channel-gone' })] },
  ],
  [
    'route-gone',
    { routes: [{ ...route, groupWaitMs: 3 * MINUTE }] },
    async (fixture) => {
      await fire(fixture);
      await fixture.notify();
      return { routes: [] };
    },
    { recipients: [expect.objectContaining({ channel: 'ops', reason: 'route-gone' })] },
  ],
];

describe('who was sent that an alert fires, and why not', () => {
  it.each(CASES)('%s', async (_reason, options, run, wanted) => {
    expect(await explained(options, run)).toMatchObject(wanted);
  });

  it('`sending` while a message is under way', async () => {
    let seen: unknown;
    await explained({}, async (fixture) => {
      fixture.answers.ops = async () => {
        const nowMs = fixture.time.clock.nowMs();
        seen = (await reportAlerts(fixture.state, fixture.config as Config, nowMs)).map(
          ({ recipients }) => recipients,
        );
      };
      await fire(fixture);
      await fixture.notify();
    });
    expect(seen).toEqual([[expect.objectContaining({ channel: 'ops', reason: 'sending' })]]);
  });

  it('has a case for each reason', () => {
    const cases = [...CASES.map(([reason]) => reason), 'sending'];
    expect(cases.sort()).toEqual([...RECIPIENT_REASONS, ...NO_RECIPIENT_REASONS].sort());
  });
});
