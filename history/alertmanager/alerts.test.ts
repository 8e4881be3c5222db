import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Config } from '../../core/model/config.ts';
import {
  createAlertmanagerFixture,
  MINUTE,
  NOW,
  namesOf,
  post,
  receiver,
  shownGroup,
  shownStatus,
  silence,
} from './alertmanager.fixture.ts';

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
});

it('describes itself', async () => {
  await fixture.read(shownStatus, '/status');
  expect(await fixture.read(z.array(receiver), '/receivers')).toEqual([
    { name: 'ops' },
    { name: 'pager' },
    { name: '_nobody' },
  ]);
});

describe('alerts', () => {
  it('are those that fire, by fingerprint', async () => {
    const found = await fixture.alerts();
    expect(namesOf(found)).toEqual(['load b', 'memory a', 'memory b', 'node-down b', 'quiet d']);
    const prints = found.map(({ fingerprint }) => fingerprint);
    expect(prints).toEqual([...prints].sort());
    expect(found.find(({ labels }) => labels.node === 'a')).toEqual({
      annotations: {
        title: 'Memory',
        summary: 'a uses 94.1%',
        runbook_url: 'https://run.example/memory',
      },
      startsAt: '2026-12-01T11:55:00.000Z',
      updatedAt: '2026-12-01T11:59:00.000Z',
      endsAt: '2026-12-01T12:05:00.000Z',
      fingerprint: expect.any(String),
      receivers: [{ name: 'ops' }, { name: 'pager' }],
      status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
      labels: {
        alertname: 'memory',
        severity: 'warning',
        cluster: 'prod',
        node: 'a',
        role: 'etcd',
        customer: 'acme',
      },
    });
  });

  it('show a value that is not current with its time', async () => {
    fixture.clock.ms = NOW + 60 * MINUTE;
    const [found] = await fixture.alerts('?filter=node=a');
    expect(found?.annotations.summary).toBe('a uses 94.1% at 11:59');
  });

  it('have the newest value, however long they fire', async () => {
    fixture.clock.ms = NOW + 3 * 24 * 60 * MINUTE;
    const labels = { cluster: 'prod', node: 'a', role: 'etcd' };
    fixture.samples.push({
      metric: 'm',
      labels,
      points: [{ timeMs: fixture.clock.ms - 1_000, value: 96.2 }],
    });
    const [found] = await fixture.alerts('?filter=node=a');
    expect(found).toMatchObject({
      annotations: { summary: 'a uses 96.2%' },
      updatedAt: '2026-12-04T11:59:59.000Z',
    });
  });

  it('have an address of ours when people have one', async () => {
    const server = { publicUrl: 'https://mon.example/' } as Config['server'];
    const [found] = await fixture.alerts('?filter=node=a', { server });
    expect(found?.generatorURL).toBe('https://mon.example/v1/alerts/memory-a');
  });

  it('name what withholds messages about them', async () => {
    await fixture.state.putSilence(silence('s1'));
    await fixture.state.putSilence(silence('later', { fromMs: NOW + MINUTE }));
    await fixture.state.putSilence(silence('over', { untilMs: NOW }));
    const silences = [
      { match: { node: ['a'] }, fromMs: 0, untilMs: NOW + 2 * 60 * MINUTE, comment: 'move' },
    ] as Config['silences'];
    const found = await fixture.alerts('', { silences });
    const down = found.find(({ labels }) => labels.alertname === 'node-down')?.fingerprint ?? '';
    const statuses = Object.fromEntries(
      found.map(({ labels, status }) => [`${labels.alertname} ${labels.node}`, status]),
    );
    const active = { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] };
    expect(statuses).toEqual({
      'memory a': { ...active, state: 'suppressed', silencedBy: ['file:1', 's1'] },
      'load b': { ...active, state: 'suppressed', inhibitedBy: [down] },
      'memory b': active,
      'node-down b': active,
      'quiet d': active,
    });
  });

  it.each<[string, string[]]>([
    ['filter=alertname=memory', ['memory a', 'memory b']],
    ['filter=alertname="memory"&filter=node=~"a|x"', ['memory a']],
    ['filter=severity!=warning', ['node-down b']],
    ['filter=customer=', ['load b', 'memory b', 'node-down b', 'quiet d']],
    ['filter=customer!=', ['memory a']],
    ['filter=node!~"[ab]"', ['quiet d']],
    ['filter={node="d"}', ['quiet d']],
    ['filter=rule=memory', []],
    ['receiver=pag.*', ['load b', 'memory a', 'memory b', 'node-down b']],
    ['receiver=pag', []],
    ['receiver=_nobody', ['quiet d']],
    ['silenced=false', ['load b', 'memory b', 'node-down b', 'quiet d']],
    ['inhibited=false', ['memory a', 'memory b', 'node-down b', 'quiet d']],
    ['active=false', ['load b', 'memory a']],
    ['active=false&silenced=false&inhibited=0', []],
    ['active=true&unprocessed=1&filter=node=d', ['quiet d']],
  ])('of %s', async (query, expected) => {
    await fixture.state.putSilence(silence('s1'));
    const search = query.replaceAll('"', '%22').replaceAll('{', '%7B').replaceAll('|', '%7C');
    expect(namesOf(await fixture.alerts(`?${search}`))).toEqual(expected);
    const groups = await fixture.read(z.array(shownGroup), `/alerts/groups?${search}`);
    const grouped = new Set(groups.flatMap(({ alerts: members }) => namesOf(members)));
    expect([...grouped].sort()).toEqual(expected);
  });

  it('are grouped as their messages are', async () => {
    const groups = await fixture.read(z.array(shownGroup), '/alerts/groups');
    const shown = groups.map(({ receiver: { name }, labels, alerts: members }) => [
      `${name} ${labels.alertname}`,
      namesOf(members),
    ]);
    expect(shown).toEqual([
      ['ops load', ['load b']],
      ['pager load', ['load b']],
      ['ops memory', ['memory a', 'memory b']],
      ['pager memory', ['memory a', 'memory b']],
      ['ops node-down', ['node-down b']],
      ['pager node-down', ['node-down b']],
      ['_nobody undefined', ['quiet d']],
    ]);
    expect(groups[0]?.labels).toEqual({ alertname: 'load', cluster: 'prod' });
  });

  it('are not taken', async () => {
    const { status, body } = await fixture
      .open()
      .json('/api/v2/alerts', post([{ labels: { alertname: 'x' } }]));
    expect([status, body]).toEqual([400, expect.stringContaining('alerts come from the rules')]);
  });
});
