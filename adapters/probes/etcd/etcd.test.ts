import { describe, expect, it } from 'vitest';
import {
  foundByEtcd,
  notesOfEtcd,
  sceneOf,
  serveScene,
  setupEtcdCheck,
  valueIn,
} from '../../../test/etcd-check.ts';
import { healthyNode, useBastion } from '../../../test/prober-fleet.ts';
import { closedPort, foundBy, serveHttp } from '../../../test/services.ts';
import { optionsSchema } from './options.ts';

useBastion();

describe('an etcd that answers', () => {
  it('is read in two requests from the node, without a secret', async () => {
    const port = await serveScene(sceneOf('ok'));
    const { round, node, audit } = await setupEtcdCheck({ port });
    const first = await round();
    expect(foundByEtcd(first).map((line) => line.split(' ')[0])).toEqual([
      'etcd_db_in_use',
      'etcd_db_size',
      'etcd_db_usage',
      'etcd_fragmentation',
      'etcd_has_leader',
      'etcd_healthy',
      'etcd_leader_changes',
      'etcd_members',
      'etcd_members_active',
      'etcd_proposals_failed',
      'etcd_quota',
      'etcd_reclaimable',
      'etcd_up',
      'etcd_version',
    ]);
    expect(foundByEtcd(first)).toEqual(
      expect.arrayContaining(['etcd_up 1', 'etcd_healthy 1', 'etcd_has_leader 1', 'etcd_version 3007003']),
    );
    expect(notesOfEtcd(first)).toEqual([]);
    expect(node.logins).toBe(1);
    expect(node.dialled).toEqual([`127.0.0.1:${port}`]);
    const address = `GET http://127.0.0.1:${port}`;
    expect(audit.find(({ command }) => command?.includes('/metrics'))).toMatchObject({
      command: `${address}/metrics via node, ${address}/health via node`,
      outcome: 'ok',
    });
  });

  it('makes its node up without any other check', async () => {
    const { round } = await setupEtcdCheck({ port: await serveScene(sceneOf('ok')) });
    const [observation] = await round(['etcd']);
    expect(observation).not.toHaveProperty('withoutLogin');
    expect(observation?.result.ok).toBe(true);
  });

  it.each([
    [
      'no-space',
      ['etcd_healthy 0', 'etcd_check{NOSPACE} 0', 'etcd_has_leader 1', 'etcd_up 1'],
      /^unhealthy: ALARM NOSPACE: /,
    ],
    [
      'no-leader',
      [
        'etcd_healthy 0',
        'etcd_check{leader} 0',
        'etcd_has_leader 0',
        'etcd_members 3',
        'etcd_members_active 1',
      ],
      /^unhealthy: RAFT NO LEADER: /,
    ],
  ])('and is unwell: %s', async (state, expected, note) => {
    const { round } = await setupEtcdCheck({ port: await serveScene(sceneOf(state)) });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(expect.arrayContaining(expected));
    expect(notesOfEtcd(seen)).toEqual([expect.stringMatching(note)]);
  });

  it('has percentiles of the last five minutes from the second round on, and anew after a restart', async () => {
    const buckets = (name: string, counts: readonly number[]) =>
      ['0.001', '0.002', '0.004', '+Inf']
        .map((bound, i) => `etcd_disk_${name}_duration_seconds_bucket{le="${bound}"} ${counts[i]}\n`)
        .join('');
    const scene = sceneOf('ok');
    const show = (startedAt: number, fsync: readonly number[], commit: readonly number[]) => {
      scene.metrics = `etcd_server_has_leader 1\nprocess_start_time_seconds ${startedAt}\n${buckets('wal_fsync', fsync)}${buckets('backend_commit', commit)}`;
    };
    const { round } = await setupEtcdCheck({ port: await serveScene(scene) });
    const p99 = async () => {
      const seen = await round();
      return ['etcd_fsync_p99', 'etcd_commit_p99'].map((metric) => valueIn(seen, metric));
    };
    show(1, [100, 100, 100, 100], [0, 0, 0, 0]);
    expect(await p99()).toEqual([undefined, undefined]);
    // 99 of 100 in the first bucket; no commit at all.
    show(1, [199, 200, 200, 200], [0, 0, 0, 0]);
    expect(await p99()).toEqual([0.001, undefined]);
    show(1, [199, 300, 300, 300], [0, 0, 10, 10]);
    expect(await p99()).toEqual([expect.closeTo(0.001 + 0.001 * (99 / 101), 6), expect.closeTo(0.00398, 6)]);
    for (let i = 0; i < 6; i++) await round();
    // All of that is older than five minutes.
    expect(await p99()).toEqual([undefined, undefined]);
    // Higher counts, and another process.
    show(2, [999, 999, 999, 999], [999, 999, 999, 999]);
    expect(await p99()).toEqual([undefined, undefined]);
    show(2, [999, 999, 999, 1_999], [999, 999, 999, 999]);
    expect(await p99()).toEqual([0.004, undefined]);
  });

  it('says for an hour that it is well again', async () => {
    const scene = sceneOf('no-space');
    const { round } = await setupEtcdCheck({ port: await serveScene(scene) });
    const check = async () => foundByEtcd(await round()).filter((line) => line.startsWith('etcd_check'));
    expect(await check()).toEqual(['etcd_check{NOSPACE} 0']);
    Object.assign(scene, sceneOf('ok'));
    for (let minute = 1; minute < 60; minute++) expect(await check()).toEqual(['etcd_check{NOSPACE} 1']);
    expect(await check()).toEqual([]);
  });

  it('keeps little for the next round, however long it runs', async () => {
    const { round, counters } = await setupEtcdCheck({ port: await serveScene(sceneOf('ok')) });
    for (let i = 0; i < 20; i++) await round(['etcd']);
    expect(JSON.stringify(counters.get('b/0of1/etcd')).length).toBeLessThan(3_000);
  });

  it('says what is unknown of its health', async () => {
    const scene = { ...sceneOf('ok'), health: 'who are you', status: 403 };
    const { round } = await setupEtcdCheck({ port: await serveScene(scene) });
    const seen = await round();
    expect(valueIn(seen, 'etcd_healthy')).toBeUndefined();
    expect(valueIn(seen, 'etcd_up')).toBe(1);
    expect(notesOfEtcd(seen)).toEqual(['its health is unknown: /health answers HTTP 403']);
  });

  it('is unhealthy where its health does not come', async () => {
    const { metrics } = sceneOf('ok');
    const port = await serveHttp((request, response) => {
      if (request.url === '/metrics') response.end(metrics);
    });
    const { round } = await setupEtcdCheck({ port }, { execMs: 1_000 });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(
      expect.arrayContaining(['etcd_up 1', 'etcd_healthy 0', 'etcd_check{health} 0']),
    );
    expect(notesOfEtcd(seen)).toEqual([expect.stringMatching(/^unhealthy: \/health: no answer within /)]);
  });
});

describe('an etcd that does not answer', () => {
  it('is down where nobody listens', async () => {
    const { round } = await setupEtcdCheck({ port: await closedPort() });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(['etcd_up 0']);
    expect(notesOfEtcd(seen)).toEqual([expect.stringContaining('the node did not reach 127.0.0.1:')]);
    expect(foundBy(seen, 'usage').length).toBeGreaterThan(3);
  });

  it('is no etcd where there may be none, and down once one was seen', async () => {
    const port = await closedPort();
    const { round, prober } = await setupEtcdCheck({ port, optional: true });
    const none = await round();
    expect(foundByEtcd(none)).toEqual([]);
    expect(notesOfEtcd(none)).toEqual([
      `no etcd here: nobody listens on port ${port}, and none was seen before (k3s with SQLite has none)`,
    ]);
    await prober.close();

    const scene = sceneOf('ok');
    let isDown = false;
    const other = await serveHttp((request, response) => {
      if (isDown) request.socket.destroy();
      else response.end(request.url === '/metrics' ? scene.metrics : scene.health);
    });
    const second = await setupEtcdCheck({ port: other, optional: true });
    expect(valueIn(await second.round(), 'etcd_up')).toBe(1);
    isDown = true;
    expect(foundByEtcd(await second.round())).toEqual(['etcd_up 0']);
  });

  it('was seen, whatever became of the rest that was kept', async () => {
    const { round, counters } = await setupEtcdCheck({ port: await closedPort(), optional: true });
    const kept = (value: unknown) => counters.set('b/0of1/etcd', { version: 1, nodes: [['c/n', value]] });
    kept({ seen: true, fsync: 'damaged' });
    expect(foundByEtcd(await round())).toEqual(['etcd_up 0']);
    for (const damaged of [null, 7, 'x', {}, { seen: 'true' }]) {
      kept(damaged);
      expect(foundByEtcd(await round())).toEqual([]);
    }
  });

  it.each([
    [
      '403',
      403,
      'etcd_up 1',
      /^it answers, and shows its metrics to nobody without a credential \(HTTP 403\)$/,
    ],
    ['400', 400, 'etcd_up 0', /shows no metrics \(HTTP 400\); if it speaks HTTPS, write `tls: true`$/],
    ['302', 302, 'etcd_up 0', /shows no metrics \(HTTP 302\)$/],
    ['metrics of something else', 200, 'etcd_up 0', /shows no metrics of etcd \(1 others\)$/],
  ])('with metrics: %s', async (_, status, expected, note) => {
    const port = await serveHttp(
      (_request, response) => void response.writeHead(status).end('go_goroutines 7\n'),
    );
    const { round } = await setupEtcdCheck({ port });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual([expected]);
    expect(notesOfEtcd(seen)).toEqual([expect.stringMatching(note)]);
  });

  it('is not watched where the node forwards nothing', async () => {
    const { round } = await setupEtcdCheck({ port: 2381 }, { node: await healthyNode({ forwards: false }) });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(['failed: forbidden/connect']);
    expect(foundBy(seen, 'usage').length).toBeGreaterThan(3);
  });
});

describe('options', () => {
  const reference = '${file:x.pem}';
  it.each([
    [{}, []],
    [{ tls: true }, []],
    [{ tls: true, ca: reference, clientCertificate: reference, clientKey: reference }, []],
    [{ ca: reference }, ['ca']],
    [{ servername: 'x' }, ['servername']],
    [{ tls: true, clientCertificate: reference, clientKey: reference }, ['clientCertificate']],
    [{ tls: true, ca: reference, clientCertificate: reference }, ['clientCertificate']],
    [{ tls: true, ca: reference, clientKey: reference }, ['clientKey']],
    [{ port: 0 }, ['port']],
    [{ via: 'nobody' }, ['via']],
    [{ unknown: 1 }, ['']],
  ])('%j', (options, paths) => {
    const { error } = optionsSchema.safeParse(options);
    expect(error?.issues.map(({ path }) => path.join('.')) ?? []).toEqual(paths);
  });
});
