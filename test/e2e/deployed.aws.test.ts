// The pipeline, deployed to the emulator with authorisation, over a fleet that speaks SSH: it alerts, and goes on when
// a service that it needs fails. In the second part, rounds are ten seconds apart and each is planned twice, so every
// message is delivered twice and every round is evaluated twice at the same time.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyAudit } from '../../adapters/audit/read-chain.ts';
import { ACTIVE_KEY } from '../../functions/activation.ts';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { type DeployedFixture, startDeployedFixture } from '../deployed/fixture.ts';
import { askHistory } from '../deployed/history-request.ts';
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
let token: string;

beforeAll(async () => {
  w = await startDeployedFixture(CLUSTERS, ({ endpoints, channels, store }) => {
    text = `${endpoints}
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

it('the deployed pipeline starts by its schedule, fires once with a picture, and resolves once', async () => {
  // The schedule starts a round within a minute, evaluation follows half a minute later, and functions start cold.
  const firing = await w.message('scheduled', 'firing', { withinMs: 150_000 });
  expect(firing.payload.alerts.map(({ labels }) => labels.node)).toEqual(['n-scheduled']);
  expect(
    readFileSync(firing.picturePath ?? '')
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  const firedMs = Date.parse(firing.payload.alerts[0]?.firedAt ?? '');
  expect(Date.parse(firing.payload.sentAt) - firedMs).toBeLessThan(120_000);
});

it('the deployed functions answer queries: to a token of `bartizan token`, and to whom IAM has authenticated', async () => {
  token = (await w.bartizan('token', 'add', 'ops', '--scope', 'silence', '--name', 'bartizan')).trim();
  const query = {
    path: `/api/v1/query?query=${encodeURIComponent('bartizan_mem_usage_percent{cluster="scheduled"}')}`,
  };
  const found = {
    data: {
      result: [
        { metric: { node: 'n-scheduled' }, value: [expect.anything(), expect.stringMatching(/^(95|94.99)/)] },
      ],
    },
  };
  expect(await askHistory(w, 'History', { ...query, token })).toMatchObject({ status: 200, json: found });
  expect(await askHistory(w, 'History', { path: '/api/v2/alerts', token })).toMatchObject({
    status: 200,
    json: [{ labels: { alertname: 'memory', cluster: 'scheduled' } }],
  });
  const silence = {
    matchers: [{ name: 'cluster', value: 'none', isRegex: false, isEqual: true }],
    ...{ startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString() },
    ...{ createdBy: 'ada', comment: 'disks are exchanged' },
  };
  const path = '/api/v2/silences';
  expect(await askHistory(w, 'History', { path, token, body: silence })).toMatchObject({ status: 200 });
  const arn = 'arn:aws:iam::000000000000:user/ada';
  expect(await askHistory(w, 'HistoryIam', { path, arn })).toMatchObject({
    status: 200,
    json: [{ comment: 'disks are exchanged' }],
  });
  expect(await askHistory(w, 'HistoryIam', { ...query, arn })).toMatchObject({ status: 200, json: found });
  // A token that nobody has made, no token, and what only the other address proves.
  const refused = await Promise.all([
    askHistory(w, 'History', { ...query, token: `${token.slice(0, -4)}0000` }),
    askHistory(w, 'History', query),
    askHistory(w, 'History', { ...query, arn }),
    askHistory(w, 'HistoryIam', query),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  w.memory.set('scheduled', () => 50);
});

describe('the deployed pipeline, with a round each ten seconds', () => {
  const rounds = { going: true, done: Promise.resolve() };

  beforeAll(async () => {
    // The upload alone would refuse this, as schedules count minutes; here the test starts the rounds.
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

  it.concurrent('sends one message although every message arrives twice and every round is evaluated twice at the same time', async ({
    expect,
  }) => {
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

  it.concurrent('moves a poison message to the dead letters at once, and goes on', async ({ expect }) => {
    for (const name of ['ProbeTofar', 'Store', 'Evaluate']) {
      await w.send(name, `poison for ${name}`);
      expect(await w.dead(name)).toEqual([`poison for ${name}`]);
    }
  });

  it.concurrent('alerts correctly after a probe is killed half-way', async ({ expect }) => {
    let killed = 0;
    w.memory.set('killed', () => {
      // The fleet calls this while the probe waits for the node's answer.
      if (killed === 0) killed = w.kill('Probe');
      return 95;
    });
    await w.message('killed', 'firing');
    expect(killed).toBeGreaterThan(0);
    // The killed call's message is not lost, but it expires before the queue shows it again.
    expect(await w.hidden('ProbeTogate')).toBeGreaterThan(0);
    expect(Object.keys(CLUSTERS).flatMap((cluster) => w.messagesAbout(cluster, 'down'))).toEqual([]);
  });

  it.concurrent('sends one alert for a bastion that is gone for three rounds, and its nodes are unknown', async ({
    expect,
  }) => {
    const forward = w.bastionPorts.get('far');
    forward?.shut();
    await w.message('far', 'firing', { rule: 'way' });
    await sleep(3 * ROUND_MS);
    forward?.reopen();
    await w.message('far', 'resolved', { rule: 'way' });
    expect(w.messagesAbout('far', 'way')).toHaveLength(2);
    expect(w.messagesAbout('remote', 'down')).toEqual([]);
  });

  it('writes all samples after the store failed for three rounds, and evaluates them as if it had not failed', async () => {
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
    // The hold includes a round that could not be written at first; with only the rounds after that the alert would
    // fire later.
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

  it('sends a message once after the chat service was down', async () => {
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

  // From here on at the same time: none of these faults keeps the alerts of the others back.

  it.concurrent('reports an SSH key that no longer works, and goes on with the next key without a deployment', async ({
    expect,
  }) => {
    const name = '/bartizan/key-of-far';
    await w.putSecret(name, newKey());
    // A process that has read the old key would use it for minutes.
    w.kill('Probe');
    await w.message('far', 'firing', { rule: 'way', nth: 2 });
    expect(await w.logged('Probe', 'bastion failed')).toContain('"reason":"auth"');
    await w.putSecret(name, w.secrets[name] ?? '');
    await w.message('far', 'resolved', { rule: 'way', nth: 2 });
  });

  it.concurrent('sends in the next tick when no wake-up arrives', async ({ expect }) => {
    await w.wake(false);
    w.memory.set('sweep', () => 95);
    await w.message('sweep', 'firing');
    await w.wake(true);
    w.memory.set('sweep', () => 40);
    await w.message('sweep', 'resolved');
    expect(w.messagesAbout('sweep')).toHaveLength(2);
  });

  it.concurrent('keeps the former configuration when the new one is wrong', async ({ expect }) => {
    await w.deployment.upload(text.replace('every: 1m', 'evry: 10s'));
    w.memory.set('scheduled', () => 95);
    await w.message('scheduled', 'firing', { nth: 2 });
    expect(await w.logged('Plan', 'the former one stays active')).toContain('unknown key `evry`');
    // An alarm reads this metric: test/stacks/alarms.test.ts.
    expect(JSON.parse(await w.logged('Plan', '"config_errors_total"'))).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'Bartizan', Dimensions: [['service']] }] },
      service: 'plan',
    });
  });
});

it('the deployed pipeline writes an audit of each access, as a chain', async () => {
  // The objects of one writer are one chain, in the order of their names; some writers were killed early.
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
  // At least one writer has the bastion and each node behind it.
  expect(Math.max(...entries)).toBeGreaterThanOrEqual(Object.keys(CLUSTERS).length);
});

it('the deployed pipeline writes no secret into a log', async () => {
  const keyBody = (w.secrets['/bartizan/key-of-gate'] ?? '').split('\n')[1] ?? '';
  expect(keyBody.length).toBeGreaterThan(40);
  for (const stage of ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History'] as const) {
    const log = (await w.log(stage)).join('\n');
    expect(log).toContain('START');
    expect(log).not.toContain(w.secrets['/bartizan/sink']);
    expect(log).not.toContain(keyBody);
    expect(log).not.toContain(token);
  }
});
