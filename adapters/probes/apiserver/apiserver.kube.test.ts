// The checks of an API server against a real kube-apiserver on a real etcd.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Access, type Apiserver, startApiserver } from '../../../test/kube/apiserver.ts';
import { type Etcd, startEtcd } from '../../../test/kube/etcd.ts';
import { findBuilt } from '../../../test/kube/programs.ts';
import { useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck, withoutDurations } from '../../../test/service-check.ts';
import { until } from '../../../test/until.ts';

useBastion();

const [etcdProgram, program] = [findBuilt('etcd') as string, findBuilt('kube-apiserver') as string];
const PHASES = ['dial', 'response', 'tls'].map((phase) => `apiserver_phase_duration{${phase}}`);

let dir: string;
let etcd: Etcd;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-apiserver-check-'));
  etcd = await startEtcd({ program: etcdProgram, dir });
});
afterAll(async () => {
  await etcd.stop();
  rmSync(dir, { recursive: true });
});

async function withServer(access: Access, use: (server: Apiserver, port: number) => Promise<void>) {
  const folder = mkdtempSync(join(dir, 'api-'));
  const server = await startApiserver({
    program: [program],
    dir: folder,
    etcdUrls: etcd.clientUrls,
    access,
  });
  try {
    await use(server, Number(new URL(server.url).port));
  } finally {
    await server.stop();
  }
}

/** Without etcd a real one waits some seconds before it answers. */
const PATIENT = { deadlineMs: 15_000 };

describe('a real API server', () => {
  it('that hides everything is up; a client certificate shows it; its certificate is read without one', async () => {
    await withServer('unauthorized', async ({ ca, admin }, port) => {
      const { round } = await setupServiceCheck('apiserver', { port }, PATIENT);
      const { found, notes } = await round();
      expect(withoutDurations(found)).toEqual(['apiserver_detail 0', ...PHASES, 'apiserver_up 1']);
      expect(notes).toEqual([expect.stringMatching(/^alive, and more is hidden from us: \/readyz \(401\)/)]);

      const keys = { '${file:ca}': ca.cert, '${file:crt}': admin.cert, '${file:key}': admin.key };
      const credential = { ca: '${file:ca}', clientCertificate: '${file:crt}', clientKey: '${file:key}' };
      const shown = await setupServiceCheck('apiserver', { port, ...credential }, { ...PATIENT, keys });
      expect((await shown.round()).found).toEqual(
        expect.arrayContaining(['apiserver_ready 1', 'apiserver_version 1037002']),
      );

      const names = ['kubernetes.default.svc', '10.96.0.1', '127.0.0.1'];
      const served = await setupServiceCheck(
        'tls',
        { ports: [port], ca: '${file:ca}', names },
        { ...PATIENT, keys },
      );
      expect((await served.round()).found).toEqual(
        expect.arrayContaining([`tls_chain_ok{${port}} 1`, `tls_name_ok{${port}} 1`, `tls_up{${port}} 1`]),
      );
    });
  });

  it('whose etcd hangs is alive in rounds of ten seconds, and in shorter ones, where /readyz has no time', async () => {
    await withServer('open', async (_, port) => {
      const rounds = async (intervalMs: number) =>
        (await setupServiceCheck('apiserver', { port }, { ...PATIENT, intervalMs })).round;
      const [tenSeconds, fiveSeconds] = [await rounds(10_000), await rounds(5_000)];
      etcd.members[0]?.freeze();
      try {
        let found: string[] = [];
        await until('it is not ready', async () => {
          found = (await tenSeconds()).found;
          return !found.includes('apiserver_ready 1');
        });
        const alive = ['apiserver_live_without_etcd 1', 'apiserver_ready 0', 'apiserver_up 1'];
        expect(found).toEqual(expect.arrayContaining(['apiserver_check{etcd} 0', ...alive]));
        const hanging = await fiveSeconds();
        expect(hanging.found).toEqual(alive);
        expect(hanging.notes[0]).toMatch(/^\/readyz: no answer within/);
      } finally {
        etcd.members[0]?.thaw();
      }
    });
  });

  it('is ready; without etcd it is not, by name; then it recovers', async () => {
    await withServer('open', async (_, port) => {
      const { round } = await setupServiceCheck('apiserver', { port }, PATIENT);
      const ready = [
        'apiserver_detail 1',
        'apiserver_live 1',
        ...PHASES,
        'apiserver_ready 1',
        'apiserver_up 1',
      ];
      expect(withoutDurations((await round()).found)).toEqual([...ready, 'apiserver_version 1037002'].sort());
      await etcd.members[0]?.stop();
      let unready = await round();
      // It notices within some seconds.
      await until('it is not ready', async () => {
        unready = await round();
        return unready.found.includes('apiserver_live_without_etcd 1');
      });
      expect(unready.found).toEqual(
        expect.arrayContaining([
          ...['apiserver_check{etcd} 0', 'apiserver_live 0', 'apiserver_live_without_etcd 1'],
          ...['apiserver_ready 0', 'apiserver_up 1', 'apiserver_version 1037002'],
        ]),
      );
      expect(unready.notes).toEqual([
        expect.stringMatching(/^not ready: etcd/),
        '/livez fails because of etcd alone: the process is well',
      ]);
      await etcd.members[0]?.start();
      let again: string[] = [];
      await until('it is ready again', async () => {
        again = (await round()).found;
        return again.includes('apiserver_ready 1');
      });
      expect(again).toContain('apiserver_check{etcd} 1');
    });
  });
});
