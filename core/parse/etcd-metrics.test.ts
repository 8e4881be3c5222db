import { describe, expect, it } from 'vitest';
import { readRecorded } from '../../test/kube/recorded.ts';
import { etcdCheckName, explainEtcdHealth, parseEtcdHealth } from './etcd-health.ts';
import { ETCD_SERIES, parseEtcdMetrics } from './etcd-metrics.ts';
import { parseExposition } from './exposition.ts';

const parse = (text: string) => parseEtcdMetrics(parseExposition(text, ETCD_SERIES).samples);
const values = (text: string) =>
  Object.fromEntries(parse(text)?.readings.map(({ metric, value }) => [metric, value]) ?? []);
const recorded = (state: string) => readRecorded(`etcd/${state}/metrics`).body;

/** What Debian's etcd 3.4.23 shows as one of three members, without what no check reads. */
const VERSION_3_4 = `etcd_cluster_version{cluster_version="3.4"} 1
etcd_disk_backend_commit_duration_seconds_bucket{le="0.001"} 7
etcd_disk_backend_commit_duration_seconds_bucket{le="+Inf"} 9
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 4
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 5
etcd_mvcc_db_total_size_in_bytes 20480
etcd_mvcc_db_total_size_in_use_in_bytes 20480
etcd_network_active_peers{Local="69b38ac7138de88d",Remote="61f97220ab052a12"} 1
etcd_network_active_peers{Local="69b38ac7138de88d",Remote="9e737febb6b99eee"} 0
etcd_server_has_leader 1
etcd_server_id{server_id="69b38ac7138de88d"} 1
etcd_server_leader_changes_seen_total 1
etcd_server_proposals_failed_total 0
etcd_server_quota_backend_bytes 2.147483648e+09
etcd_server_version{server_version="3.4.23"} 1
process_start_time_seconds 1.7960480003e+09
`;

describe('metrics of etcd', () => {
  it('of version 3.7', () => {
    const seen = values(recorded('ok'));
    expect(seen).toEqual({
      etcd_has_leader: 1,
      etcd_leader_changes: 1,
      etcd_proposals_failed: 0,
      etcd_db_size: expect.any(Number),
      etcd_db_in_use: expect.any(Number),
      etcd_quota: 2_147_483_648,
      etcd_db_usage: expect.any(Number),
      etcd_fragmentation: expect.any(Number),
      etcd_reclaimable: expect.any(Number),
      etcd_version: 3_007_003,
      etcd_members: 1,
      etcd_members_active: 1,
    });
    const { etcd_db_size: size = 0, etcd_db_in_use: inUse = 0, etcd_quota: quota = 0 } = seen;
    expect(size).toBeGreaterThan(inUse);
    expect(seen.etcd_db_usage).toBeCloseTo((100 * size) / quota, 10);
    expect(seen.etcd_fragmentation).toBeCloseTo(100 - (100 * inUse) / size, 10);
    expect(seen.etcd_reclaimable).toBeCloseTo((100 * (size - inUse)) / quota, 10);
    const metrics = parse(recorded('ok'));
    expect(metrics?.notes).toEqual([]);
    expect(metrics?.fsync?.counts.at(-1)).toBeGreaterThan(0);
    expect(metrics?.commit?.counts.at(-1)).toBeGreaterThan(0);
    expect(metrics?.startedAt).toBeGreaterThan(1.7e9);
  });

  it('of version 3.4, which counts no known members', () => {
    expect(values(VERSION_3_4)).toMatchObject({
      etcd_members: 3,
      etcd_members_active: 2,
      etcd_version: 3_004_023,
    });
    expect(parse(VERSION_3_4)?.notes).toEqual([]);
    const single = VERSION_3_4.replaceAll(/etcd_network_active.*\n/g, '');
    expect(values(single)).toMatchObject({ etcd_members: 1, etcd_members_active: 1 });
  });

  it('of one of three members that lost the others', () => {
    expect(values(recorded('no-leader'))).toMatchObject({
      etcd_has_leader: 0,
      etcd_members: 3,
      etcd_members_active: 1,
    });
    expect(parse(recorded('no-leader'))?.hasLeader).toBe(false);
  });

  it('with a member that was removed', () => {
    const series = (name: string, remote: string, value: number) =>
      `etcd_network_${name}_peers{Local="a",Remote="${remote}"} ${value}\n`;
    const text = `etcd_server_id{server_id="a"} 1\n${series('known', 'a', 1)}${series('known', 'b', 1)}${series('known', 'c', 0)}${series('active', 'b', 1)}${series('active', 'c', 0)}`;
    expect(values(text)).toEqual({ etcd_members: 2, etcd_members_active: 2 });
  });

  it('of a database that is full', () => {
    expect(values(recorded('no-space')).etcd_db_usage).toBeGreaterThan(90);
  });

  it('without a quota, or a size', () => {
    const without = values(VERSION_3_4.replace(/etcd_server_quota.*/, 'etcd_server_quota_backend_bytes 0'));
    expect(without).not.toHaveProperty('etcd_quota');
    expect(without).not.toHaveProperty('etcd_db_usage');
    expect(without).not.toHaveProperty('etcd_reclaimable');
    expect(values(VERSION_3_4.replace(/etcd_mvcc_db_total_size_in_bytes.*/, ''))).not.toHaveProperty(
      'etcd_fragmentation',
    );
  });

  it.each(['NaN', '+Inf', '-1'])('leaves %s out, and says what is missing', (value) => {
    const text = VERSION_3_4.replace(
      /etcd_mvcc_db_total_size_in_bytes.*/,
      `etcd_mvcc_db_total_size_in_bytes ${value}`,
    );
    expect(values(text)).not.toHaveProperty('etcd_db_size');
    expect(parse(text)?.notes).toEqual(['it does not show etcd_mvcc_db_total_size_in_bytes']);
  });

  it('of something else are none', () => {
    expect(parse('')).toBeUndefined();
    expect(parse('process_start_time_seconds 1\ngo_goroutines 3\n')).toBeUndefined();
  });
});

describe('health of etcd', () => {
  const explained = (body: string, hasLeader = true) => {
    const health = parseEtcdHealth(body);
    return health?.isHealthy === false ? explainEtcdHealth(health, hasLeader) : health;
  };

  it.each([
    ['etcd/ok/health', { isHealthy: true, reason: '' }],
    [
      'etcd/no-space/health',
      expect.stringMatching(/^unhealthy: ALARM NOSPACE: the database reached its quota/),
    ],
    ['etcd/no-leader/health', expect.stringMatching(/^unhealthy: RAFT NO LEADER: it sees no leader/)],
  ])('%s', (name, expected) => {
    expect(explained(readRecorded(name).body)).toEqual(expected);
  });

  it('of version 3.4 has no reason of its own', () => {
    expect(parseEtcdHealth('{"health":"true"}')).toEqual({ isHealthy: true, reason: '' });
    expect(explained('{"health":"false"}')).toBe('unhealthy, and it does not say why');
    expect(explained('{"health":"false"}', false)).toMatch(/^unhealthy: it sees no leader/);
  });

  it('has any reason as one bounded line', () => {
    const text = explained(
      JSON.stringify({ health: 'false', reason: `QGET\n\u001b[31m${'x'.repeat(1_000)}` }),
    );
    expect(text).toMatch(/^unhealthy: QGET.{1,140}$/);
    expect(text).not.toContain('\u001b');
    expect(explained('{"health":"false","reason":7}')).toBe('unhealthy, and it does not say why');
  });

  it.each([
    ['ALARM NOSPACE', true, 'NOSPACE'],
    ['ALARM CORRUPT', true, 'CORRUPT'],
    ['RAFT NO LEADER', true, 'leader'],
    ['', false, 'leader'],
    ['', true, 'health'],
    ['QGET ERROR:context deadline exceeded', true, 'read'],
    ['RANGE ERROR:etcdserver: request timed out', false, 'read'],
    ['ALARM of another kind', true, 'health'],
  ])('with reason %j has a check of few names', (reason, hasLeader, name) => {
    expect(etcdCheckName({ isHealthy: false, reason }, hasLeader)).toBe(name);
  });

  it.each(['', '404 page not found', 'null', '[]', '{}', '{"health":"maybe"}', '"true"'])(
    'is not %j',
    (body) => {
      expect(parseEtcdHealth(body)).toBeUndefined();
    },
  );
});
