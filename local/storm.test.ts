// Many incidents at once for one chat service, which takes a message a second.

import { expect, it } from 'vitest';
import { deliveryFindings } from '../core/health.ts';
import type { Config } from '../core/model/config.ts';
import type { Severity } from '../core/model/rule.ts';
import { readUndelivered } from '../core/stages/undelivered.ts';
import { createRateLimitedChat, type RateLimitedChat } from '../test/rate-limited-chat.ts';
import { createStageFixture, memory, route, START, type StageFixture } from '../test/stage-fixture.ts';
import { startNotifier } from './notifier.ts';

const SECOND = 1_000;
const channelOf = (name: string, fallback?: string) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
  ...(fallback !== undefined && { fallback }),
});

interface Trial {
  fixture: StageFixture;
  chat: RateLimitedChat;
  storm(count: number, severity?: Severity): Promise<void>;
  advance(seconds: number): Promise<void>;
  stop(): Promise<void>;
  /** Seconds since the start, for all accepted messages. */
  times(): number[];
}

function createTrial(options: { paced?: boolean; fallback?: boolean } = {}): Trial {
  const { paced = true, fallback = false } = options;
  const everyMs = SECOND;
  const channels = [channelOf('ops', fallback ? 'spare' : undefined), channelOf('spare')];
  const routes = [{ ...route, groupBy: ['rule', 'node'] }];
  const rules = [memory, { ...memory, name: 'disk', severity: 'critical' as const }];
  const fixture = createStageFixture({ channels, routes, rules });
  const { clock } = fixture.time;
  const destination = { key: 'chat', everyMs };
  const chat = createRateLimitedChat({ clock, everyMs, ...(paced && { destination }) });
  const spare = fixture.ports.channels.get('spare');
  if (!spare) throw new Error('no spare channel');
  const ports = {
    ...fixture.ports,
    channels: new Map([
      ['ops', chat.channel],
      ['spare', spare],
    ]),
  };
  const notifier = startNotifier(fixture.config as Config, ports);
  let made = 0;
  return {
    fixture,
    chat,
    async storm(count, severity = 'warning') {
      const atMs = fixture.time.clock.nowMs();
      for (let i = 0; i < count; i++) {
        const labels = { cluster: 'prod', node: `n${made++}`, role: 'etcd' as const };
        const rule = severity === 'critical' ? 'disk' : 'memory';
        const alert = {
          ...{ id: `${rule}/${labels.node}`, rule, labels, sinceMs: atMs, firedAtMs: atMs },
          status: 'firing' as const,
          reason: 'threshold' as const,
        };
        const { id: alertId, ...rest } = alert;
        const transition = { ...rest, id: `${alertId}@${atMs}`, alertId, kind: 'firing' as const, atMs };
        const { status: _status, firedAtMs: _fired, ...transitionOnly } = transition;
        await fixture.state.commitAlert({
          alert,
          expectedVersion: 0,
          transitions: [transitionOnly],
          dueAtMs: atMs,
        });
      }
      notifier.wake();
    },
    advance: (seconds) => fixture.time.advanceTo(fixture.time.clock.nowMs() + seconds * SECOND),
    async stop() {
      const stopped = notifier.stop(0);
      await fixture.time.advanceTo(fixture.time.clock.nowMs() + 10 * SECOND);
      await stopped;
    },
    times: () => chat.taken.map(({ atMs }) => (atMs - START) / SECOND),
  };
}

it('a storm of 300 incidents drains as fast as the chat service takes messages, without a refusal', async () => {
  const setup = createTrial();
  await setup.storm(300);
  await setup.advance(310);
  expect(setup.times()).toHaveLength(300);
  expect(setup.times().at(-1)).toBeLessThan(305);
  expect(setup.chat.refused).toEqual([]);
  expect(setup.fixture.counted.get('deliveries_failed_total')).toBeUndefined();
  await setup.stop();
});

it('the same storm drains when the limit is unknown, after the chat service has answered 429', async () => {
  const setup = createTrial({ paced: false });
  await setup.storm(100);
  await setup.advance(130);
  expect(setup.times()).toHaveLength(100);
  // All at once, and then one a second.
  expect(setup.chat.refused.length).toBeLessThan(120);
  await setup.stop();
});

it('a critical alert does not wait behind a hundred others', async () => {
  const setup = createTrial();
  await setup.storm(100);
  await setup.advance(20);
  await setup.storm(1, 'critical');
  await setup.advance(8);
  const critical = setup.chat.taken.find(({ notification }) => notification.severity === 'critical');
  expect(((critical?.atMs ?? 0) - START) / SECOND).toBeLessThan(26);
  await setup.advance(90);
  expect(setup.times()).toHaveLength(101);
  await setup.stop();
});

it('a chat service that always answers 429 gets fewer requests, its alerts are undelivered, and its fallback gets all within five minutes', async () => {
  const setup = createTrial({ fallback: true });
  setup.chat.closed = true;
  await setup.storm(40);
  await setup.advance(420);
  expect(setup.chat.refused.length).toBeLessThan(40);
  const lately = setup.chat.refused.filter((ms) => ms > setup.fixture.time.clock.nowMs() - 120 * SECOND);
  expect(lately.length).toBeLessThan(12);
  const spared = setup.fixture.sent.filter(({ channel }) => channel === 'spare');
  expect(
    new Set(spared.flatMap(({ notification }) => notification.alerts.map(({ alertId }) => alertId))).size,
  ).toBe(40);
  setup.chat.closed = false;
  await setup.advance(200);
  expect(setup.times()).toHaveLength(40);
  await setup.stop();
});

it('without a fallback the alerts are undelivered, but the channel does not count as failing', async () => {
  const setup = createTrial();
  setup.chat.closed = true;
  await setup.storm(10);
  const sampled = async () => {
    const { config, state, time } = setup.fixture;
    const { undelivered, incidents } = await readUndelivered(config as Config, { state, clock: time.clock });
    const nowMs = time.clock.nowMs();
    const { channels } = config;
    const found = deliveryFindings({ undelivered, incidents, channels, undeliveredAfterMs: 300_000, nowMs });
    return [...found.reasons, ...found.warnings].map(({ code }) => code);
  };
  await setup.advance(120);
  expect(await sampled()).toEqual([]);
  await setup.advance(300);
  expect(await sampled()).toEqual(['undelivered']);
  await setup.stop();
});
