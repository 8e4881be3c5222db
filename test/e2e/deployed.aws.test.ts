// The pipeline deployed to the emulator, with authorisation, over a fleet that speaks SSH: it alerts, and goes on when
// what it stands on fails. Rounds of the second part are ten seconds apart and planned twice each, so that everything in
// them is delivered twice and evaluated twice side by side.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyAudit } from '../../adapters/audit/chain.ts';
import { ACTIVE_KEY } from '../../functions/activation.ts';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { type DeployedFixture, startDeployedFixture } from '../deployed/fixture.ts';
import { scaledMs } from '../machine-speed.ts';

const ROUND_MS = 10_000;
const WITHIN = { timeout: scaledMs(60_000), interval: 500 };
const CLUSTERS = {
  scheduled: 'gate',
  twice: 'gate',
  killed: 'gate',
  outage: 'gate',
  chat: 'gate',
  sweep: 'gate',
  remote: 'far',
};
let w: DeployedFixture;
let text: string;

beforeAll(async () => {
  w = await startDeployedFixture(CLUSTERS, ({ places, channels, store }) => {
    text = `${places}
checks: [{ name: usage, probe: usage, every: 1m }]
rules:
  - { name: memory, metric: mem_usage, where: { cluster: [scheduled, twice, killed, chat, sweep] }, above: 90, for: 0s, severity: critical }
  - { name: held, metric: mem_usage, where: { cluster: [outage] }, above: 90, for: 20s, severity: critical }
  - { name: down, metric: up, below: 1, for: 0s, severity: critical }
  - { name: way, metric: bastion_up, below: 1, for: 0s, severity: critical }
${channels}
routes: [{ name: all, channels: [ops], groupInterval: 10s }]
${store}
`;
    return text;
  });
  w.memory.set('scheduled', () => 95);
});

afterAll(() => w?.stop());

it('starts by its schedule: fires once, with a picture; resolves once', async () => {
  // A schedule starts within a minute, a round is evaluated half a minute later, and functions start cold.
  const firing = await w.message('scheduled', 'firing', { withinMs: 150_000 });
  expect(firing.payload.alerts.map(({ labels }) => labels.node)).toEqual(['n-scheduled']);
  expect(
    readFileSync(firing.picturePath ?? '')
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  const firedMs = Date.parse(firing.payload.alerts[0]?.firedAt ?? '');
  expect(Date.parse(firing.payload.sentAt) - firedMs).toBeLessThan(120_000);
  w.memory.set('scheduled', () => 50);
});

describe('at rounds of ten seconds', () => {
  const rounds = { going: true, done: Promise.resolve() };

  beforeAll(async () => {
    // Refused where it is uploaded alone, as schedules count minutes; here the rounds are started by hand.
    const quick = text.replace('every: 1m', 'every: 10s');
    await w.writeFile(ACTIVE_KEY, quick);
    await w.deployment.upload(quick);
    rounds.done = (async () => {
      while (rounds.going) {
        const roundMs = Math.ceil(Date.now() / ROUND_MS) * ROUND_MS;
        await sleep(roundMs - Date.now());
        const tick = { scheduledTime: new Date(roundMs).toISOString() };
        await Promise.all([w.invoke('Plan', tick), w.invoke('Plan', tick)]);
      }
    })();
    rounds.done.catch(() => undefined);
  });
  afterAll(async () => {
    rounds.going = false;
    await rounds.done;
  });

  it.concurrent('sends once what is delivered twice and evaluated twice side by side', async ({ expect }) => {
    await w.message('scheduled', 'resolved');
    w.memory.set('twice', () => 95);
    await w.message('twice', 'firing');
    w.memory.set('twice', () => 40);
    await w.message('twice', 'resolved');
    const kinds = (await w.transitions()).filter(({ labels }) => labels.cluster === 'twice');
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(['firing', 'resolved']);
    expect(w.messagesAbout('scheduled')).toHaveLength(2);
    expect(w.messagesAbout('twice')).toHaveLength(2);
  });

  it.concurrent('puts a poison message aside at once, and goes on', async ({ expect }) => {
    for (const name of ['ProbeTofar', 'Store', 'Evaluate']) {
      await w.send(name, `poison for ${name}`);
      expect(await w.dead(name)).toEqual([`poison for ${name}`]);
    }
  });

  it.concurrent('is not misled by a probe that is killed half-way', async ({ expect }) => {
    let killed = 0;
    w.memory.set('killed', () => {
      // Asked for while the probe waits for the node's answer.
      if (killed === 0) killed = w.kill('Probe');
      return 95;
    });
    await w.message('killed', 'firing');
    expect(killed).toBeGreaterThan(0);
    // What it had in hand is not lost, but nobody wants it by the time it is seen again.
    expect(await w.hidden('ProbeTogate')).toBeGreaterThan(0);
    expect(Object.keys(CLUSTERS).flatMap((cluster) => w.messagesAbout(cluster, 'down'))).toEqual([]);
  });

  it.concurrent('a bastion gone for three rounds is one alert, and its nodes are unknown', async ({
    expect,
  }) => {
    const door = w.bastionPorts.get('far');
    door?.shut();
    await w.message('far', 'firing', { rule: 'way' });
    await sleep(3 * ROUND_MS);
    door?.reopen();
    await w.message('far', 'resolved', { rule: 'way' });
    expect(w.messagesAbout('far', 'way')).toHaveLength(2);
    expect(w.messagesAbout('remote', 'down')).toEqual([]);
  });

  it('an expired key of SSH: says so, and goes on with the next one without a deployment', async () => {
    const name = '/bartizan/key-of-far';
    await w.putSecret(name, newKey());
    // A process that has read the old one uses it for minutes yet.
    w.kill('Probe');
    await w.message('far', 'firing', { rule: 'way', nth: 2 });
    expect(await w.logged('Probe', 'bastion failed')).toContain('"reason":"auth"');
    await w.putSecret(name, w.secrets[name] ?? '');
    await w.message('far', 'resolved', { rule: 'way', nth: 2 });
  });

  it('a store that fails for three rounds: all is written after, and evaluated as if nothing had been', async () => {
    const at = (roundMs: number) => Math.floor(roundMs / ROUND_MS) * ROUND_MS;
    const beganMs = Date.now();
    const error = {
      kind: 'error',
      type: 'InternalServerException',
      message: 'try later',
      status: 500,
    } as const;
    w.timestream.behave(() => error);
    w.memory.set('outage', () => 95);
    await sleep(3 * ROUND_MS + 2_000);
    const endedMs = Date.now();
    w.timestream.behave();
    const firing = await w.message('outage', 'firing', { rule: 'held', withinMs: 90_000 });
    // Held since a round that could not be written at first: with those after alone it would take longer.
    const firedMs = Date.parse(firing.payload.alerts[0]?.firedAt ?? '');
    expect(firedMs).toBeLessThan(at(endedMs) + ROUND_MS + scaledMs(20_000));
    const rounds = [1, 2, 3].map((n) => at(beganMs) + n * ROUND_MS);
    const written = () =>
      w.samples({ metric: 'mem_usage', node: 'n-outage' }, beganMs, at(beganMs) + 3 * ROUND_MS);
    await vi.waitFor(async () => expect(await written()).toEqual(rounds), WITHIN);
    w.memory.set('outage', () => 40);
    await w.message('outage', 'resolved', { rule: 'held' });
    expect(w.messagesAbout('outage', 'held')).toHaveLength(2);
  });

  it('a chat service that is down: is sent the message afterwards, once', async () => {
    const before = w.sink.requests();
    w.sink.behave({ kind: 'status', status: 503 });
    w.memory.set('chat', () => 95);
    await vi.waitFor(() => expect(w.sink.requests()).toBeGreaterThanOrEqual(before + 3), WITHIN);
    w.sink.behave({ kind: 'accept' });
    await w.message('chat', 'firing');
    w.memory.set('chat', () => 40);
    await w.message('chat', 'resolved');
    expect(w.messagesAbout('chat')).toHaveLength(2);
  });

  it('a wake-up that never comes: the next tick sweeps', async () => {
    await w.wake(false);
    w.memory.set('sweep', () => 95);
    await w.message('sweep', 'firing');
    await w.wake(true);
    w.memory.set('sweep', () => 40);
    await w.message('sweep', 'resolved');
    expect(w.messagesAbout('sweep')).toHaveLength(2);
  });

  it('a wrong configuration: the one before stays in force', async () => {
    await w.deployment.upload(text.replace('every: 1m', 'evry: 10s'));
    w.memory.set('scheduled', () => 95);
    await w.message('scheduled', 'firing', { nth: 2 });
    expect(await w.logged('Plan', 'the one before stays in force')).toContain('unknown key `evry`');
    // An alarm hangs on it: test/stacks/alarms.test.ts.
    expect(JSON.parse(await w.logged('Plan', '"config_errors_total"'))).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'Bartizan', Dimensions: [['service']] }] },
      service: 'plan',
    });
  });
});

it('leaves an audit of each access, chained', async () => {
  // The objects of one writer are one chain, in the order of their names; some were killed soon.
  const writers = Map.groupBy(await w.files('audit/'), (key) => dirname(key));
  const entries: number[] = [];
  for (const keys of writers.values()) {
    let lines = '';
    for (const key of keys) lines += await w.readFile(key);
    const file = join(w.dir, 'audit.jsonl');
    writeFileSync(file, lines);
    const verdict = await verifyAudit(file);
    expect(verdict).toMatchObject({ ok: true, first: 1 });
    entries.push(verdict.ok ? verdict.entries : 0);
  }
  // A bastion and each node behind it, once.
  expect(Math.max(...entries)).toBeGreaterThanOrEqual(Object.keys(CLUSTERS).length);
});

it('writes no secret into a log', async () => {
  const keyBody = (w.secrets['/bartizan/key-of-gate'] ?? '').split('\n')[1] ?? '';
  expect(keyBody.length).toBeGreaterThan(40);
  for (const stage of ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver'] as const) {
    const log = (await w.log(stage)).join('\n');
    expect(log).toContain('START');
    expect(log).not.toContain(w.secrets['/bartizan/sink']);
    expect(log).not.toContain(keyBody);
  }
});
