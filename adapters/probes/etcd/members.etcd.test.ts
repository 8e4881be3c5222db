// Real members of etcd, read by the prober through a bastion and a node that forward.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { foundByEtcd, notesOfEtcd, setupEtcdCheck, valueIn } from '../../../test/etcd-check.ts';
import { type Etcd, type EtcdMember, startEtcd } from '../../../test/kube/etcd.ts';
import { findBuilt } from '../../../test/kube/programs.ts';
import { useBastion } from '../../../test/prober-fleet.ts';
import { findProgram } from '../../../test/program-path.ts';
import { until } from '../../../test/until.ts';

const PROGRAMS = [findBuilt('etcd'), findProgram('etcd')].filter((program) => program !== undefined);

const started: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});
useBastion();

async function start(
  program: string,
  options: { members?: number; quotaBytes?: number } = {},
): Promise<Etcd> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-etcd-check-'));
  const etcd = await startEtcd({ program, dir, ...options });
  started.push(async () => {
    await etcd.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return etcd;
}

/** Checks the member, with time for an etcd that looks for its leader. */
const checkOf = ({ metricsUrl }: EtcdMember) =>
  setupEtcdCheck({ port: Number(new URL(metricsUrl).port) }, { execMs: 3_000 });

describe.each(PROGRAMS)('%s', (program) => {
  it('is watched while it works, stops and starts again', async () => {
    const etcd = await start(program);
    const [member] = etcd.members as [EtcdMember];
    const { round, node } = await checkOf(member);
    const first = await round();
    expect(foundByEtcd(first)).toEqual(
      expect.arrayContaining([
        'etcd_up 1',
        'etcd_healthy 1',
        'etcd_has_leader 1',
        'etcd_members 1',
        'etcd_members_active 1',
      ]),
    );
    expect(notesOfEtcd(first)).toEqual([]);
    expect(valueIn(first, 'etcd_version')).toBeGreaterThan(3_004_000);
    expect(valueIn(first, 'etcd_fsync_p99')).toBeUndefined();

    for (let i = 0; i < 50; i++) await etcd.put(`key-${i}`, 'x'.repeat(2_000));
    // etcd commits ten times a second, so a round may come before it does.
    let second = await round();
    await until('it has committed them', async () => {
      second = await round();
      const grew = (valueIn(second, 'etcd_db_size') ?? 0) > (valueIn(first, 'etcd_db_size') ?? 0);
      return grew && (valueIn(second, 'etcd_commit_p99') ?? 0) > 0;
    });
    for (const metric of ['etcd_fsync_p99', 'etcd_commit_p99']) {
      expect(valueIn(second, metric)).toBeGreaterThan(0);
      expect(valueIn(second, metric)).toBeLessThanOrEqual(8.192);
    }
    expect(valueIn(second, 'etcd_db_size')).toBeGreaterThan(valueIn(first, 'etcd_db_size') as number);
    expect(valueIn(second, 'etcd_db_usage')).toBeCloseTo(
      (100 * (valueIn(second, 'etcd_db_size') as number)) / (valueIn(second, 'etcd_quota') as number),
      6,
    );

    await member.stop();
    expect(foundByEtcd(await round())).toEqual(['etcd_up 0']);
    await member.start();
    await until('it is healthy again', async () => valueIn(await round(), 'etcd_healthy') === 1);
    for (let i = 0; i < 50; i++) await etcd.put(`key-${i}`, 'y');
    expect(valueIn(await round(), 'etcd_fsync_p99')).toBeGreaterThan(0);
    expect(node.logins).toBe(1);
  });

  it('says that its database is full', async () => {
    const etcd = await start(program, { quotaBytes: 64 * 1024 });
    const refused = () =>
      etcd.put('key', 'x'.repeat(2_000)).then(
        () => false,
        () => true,
      );
    await until('it refuses a value', refused, { everyMs: 0 });
    const { round } = await checkOf(etcd.members[0] as EtcdMember);
    await until('it raises its alarm', async () => valueIn(await round(), 'etcd_healthy') === 0);
    const seen = await round();
    expect(valueIn(seen, 'etcd_has_leader')).toBe(1);
    expect(valueIn(seen, 'etcd_db_usage')).toBeGreaterThan(50);
    const isOld = (valueIn(seen, 'etcd_version') ?? 0) < 3_005_000;
    expect(notesOfEtcd(seen)).toEqual([
      isOld ? 'unhealthy, and it does not say why' : expect.stringMatching(/^unhealthy: ALARM NOSPACE: /),
    ]);
  });

  it('counts the members that it is connected to, and misses its leader without them', async () => {
    const { members } = await start(program, { members: 3 });
    const [left, second, third] = members as [EtcdMember, EtcdMember, EtcdMember];
    const { round } = await checkOf(left);
    const active = async () => valueIn(await round(), 'etcd_members_active');
    await until('all are connected', async () => (await active()) === 3);
    expect(valueIn(await round(), 'etcd_members')).toBe(3);
    await second.stop();
    await until('one is gone', async () => (await active()) === 2);
    await third.stop();
    await until('the leader is missed', async () => valueIn(await round(), 'etcd_has_leader') === 0);
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(
      expect.arrayContaining([
        'etcd_up 1',
        'etcd_healthy 0',
        'etcd_has_leader 0',
        'etcd_members 3',
        'etcd_members_active 1',
      ]),
    );
    expect(notesOfEtcd(seen).join()).toMatch(/^unhealthy: /);
  });
});
