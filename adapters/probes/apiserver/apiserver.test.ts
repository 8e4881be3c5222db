import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { APISERVER_FILES, HIDDEN_FILES, replay } from '../../../test/kube/replay.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { bastion, healthyNode, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck, withoutDurations } from '../../../test/service-check.ts';
import { closedPort, foundBy, serveRaw, serveTls } from '../../../test/services.ts';
import { readKept } from './kept.ts';

useBastion();

let authority: Certificate;
let server: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['kubernetes', '127.0.0.1'], { authority });
});

async function setup(port: number) {
  const { round, audit } = await setupServiceCheck('apiserver', { port });
  return {
    audit,
    round: async (minutes?: number) => {
      const { found, notes } = await round(minutes);
      return { found: withoutDurations(found), notes };
    },
  };
}

const PHASES = ['dial', 'response', 'tls'].map((phase) => `apiserver_phase_duration{${phase}}`);
const WARM = ['apiserver_phase_duration{response}'];
const serving = (listener: RequestListener) => serveTls(server, listener);

describe('what a real API server answers', () => {
  it.each<[string, Readonly<Record<string, string>>, string[], RegExp[], string[]]>([
    [
      'apiserver/ok',
      APISERVER_FILES,
      ['apiserver_detail 1', 'apiserver_live 1', 'apiserver_ready 1', 'apiserver_version 1037002'],
      [],
      ['GET /readyz?verbose', 'GET /version'],
    ],
    [
      'apiserver/etcd-dead',
      APISERVER_FILES,
      [
        ...['apiserver_check{etcd-readiness} 0', 'apiserver_check{etcd} 0', 'apiserver_detail 1'],
        ...[
          'apiserver_live 0',
          'apiserver_live_without_etcd 1',
          'apiserver_ready 0',
          'apiserver_version 1037002',
        ],
      ],
      [/^not ready: etcd, etcd-readiness$/, /^\/livez fails because of etcd alone: the process is well$/],
      ['GET /readyz?verbose', 'GET /livez', 'GET /livez?exclude=etcd', 'GET /version'],
    ],
    [
      'apiserver/unauthorized',
      HIDDEN_FILES,
      ['apiserver_detail 0'],
      [
        /^alive, and more is hidden from us: \/readyz \(401\), \/livez \(401\), \/version \(401\); let anonymous requests ask .*AuthenticationConfiguration.*read-only credential/,
      ],
      ['GET /readyz?verbose', 'GET /livez', 'GET /version'],
    ],
    [
      'apiserver/forbidden',
      HIDDEN_FILES,
      ['apiserver_detail 0'],
      [/\/readyz \(403\).*; bind `system:unauthenticated` to .*`system:public-info-viewer`, or give/],
      ['GET /readyz?verbose', 'GET /livez', 'GET /version'],
    ],
    [
      'apiserver/readyz-alone',
      { '/readyz?verbose': 'readyz-verbose', '/version': 'version' },
      ['apiserver_detail 1', 'apiserver_live 1', 'apiserver_ready 1'],
      [/^alive, and more is hidden from us: \/version \(401\);/],
      ['GET /readyz?verbose', 'GET /version'],
    ],
  ])('%s', async (scene, files, readings, notes, asked) => {
    const recorded = replay(files, scene);
    const { round } = await setup(await serving(recorded.listener));
    const { found, notes: shown } = await round();
    expect(found).toEqual([...readings, ...PHASES, 'apiserver_up 1'].sort());
    expect(shown).toHaveLength(notes.length);
    for (const [i, note] of notes.entries()) expect(shown[i]).toMatch(note);
    expect(recorded.asked).toEqual(asked);
  });
});

describe('over rounds', () => {
  it('a check that failed recovers, and is forgotten an hour later', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/etcd-dead');
    const { round } = await setup(await serving(recorded.listener));
    const checks = async (minutes?: number) =>
      (await round(minutes)).found.filter((line) => line.startsWith('apiserver_check'));
    const both = (value: number) => [
      `apiserver_check{etcd-readiness} ${value}`,
      `apiserver_check{etcd} ${value}`,
    ];
    expect(await checks()).toEqual(both(0));
    recorded.play('apiserver/ok');
    expect(await checks()).toEqual(both(1));
    // Nothing is known of them meanwhile.
    recorded.play(401);
    expect(await checks()).toEqual([]);
    recorded.play('apiserver/ok');
    expect(await checks(50)).toEqual(both(1));
    expect(await checks(10)).toEqual([]);
  });

  it('the version is asked once an hour and after an outage, and has a value each round', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/ok');
    const listening = createSwitch(recorded.listener);
    const { round } = await setup(await serving(listening.listener));
    const asked = () => recorded.asked.splice(0).filter((one) => one.endsWith('/version')).length;
    const version = 'apiserver_version 1037002';
    expect([(await round()).found.includes(version), asked()]).toEqual([true, 1]);
    expect([(await round()).found.includes(version), asked()]).toEqual([true, 0]);
    expect([(await round(58)).found.includes(version), asked()]).toEqual([true, 0]);
    expect([(await round()).found.includes(version), asked()]).toEqual([true, 1]);
    listening.isDown = true;
    expect((await round()).found).toEqual(['apiserver_up 0']);
    listening.isDown = false;
    expect([(await round()).found.includes(version), asked()]).toEqual([true, 1]);
  });

  it('requests share a connection that stays open', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/etcd-dead');
    const { round, audit } = await setup(await serving(recorded.listener));
    expect((await round()).found).toEqual(expect.arrayContaining(PHASES));
    expect((await round()).found.filter((line) => line.includes('phase'))).toEqual(WARM);
    expect(bastion.dialled).toHaveLength(1);
    expect(audit.at(-1)?.command).toMatch(
      /^GET https:\/\/127\.0\.0\.1:\d+\/readyz via bastion, GET .*\/livez via/,
    );
  });

  it.each([
    undefined,
    null,
    'x',
    [],
    {},
    { lastFailures: { etcd: 'now' } },
    { lastFailures: [], version: '1' },
  ])('what was kept may be anything: %j', (before) => {
    expect(readKept(before)).toEqual({ lastFailures: {} });
  });
});

/** Drops connections while it is down. */
function createSwitch(listener: RequestListener) {
  const made = {
    isDown: false,
    listener: ((request, response) => {
      if (made.isDown) request.socket.destroy();
      else listener(request, response);
    }) as RequestListener,
  };
  return made;
}

describe('odd answers', () => {
  it.each<[number, string[], RegExp]>([
    [302, [], /^\/readyz answers 302: is this an API server\?$/],
    [404, [], /^\/readyz answers 404/],
    [429, [], /^\/readyz answers 429/],
    [
      502,
      ['apiserver_detail 1', 'apiserver_live 0', 'apiserver_live_without_etcd 0', 'apiserver_ready 0'],
      /^not ready: \/readyz answers 502 and names no check$/,
    ],
  ])('status %i', async (status, readings, note) => {
    const { round } = await setup(await serving(replay({}, status).listener));
    const { found, notes } = await round();
    expect(found).toEqual([...readings, ...PHASES, 'apiserver_up 1'].sort());
    expect(notes[0]).toMatch(note);
  });

  it('of its version', async () => {
    const { round } = await setup(
      await serving((request, response) =>
        response.end(request.url === '/version' ? '{"gitVersion": ["v1.37.2"]}' : 'ok'),
      ),
    );
    const { found, notes } = await round();
    expect(found.filter((line) => line.startsWith('apiserver_version'))).toEqual([]);
    expect(notes).toEqual(['/version answers 200 "{"gitVersion": ["v1.37.2"]}": is this an API server?']);
  });
});

describe('no answer', () => {
  it('nobody listens: down, and the check ran', async () => {
    const { round } = await setup(await closedPort());
    const { found, notes } = await round();
    expect(found).toEqual(['apiserver_up 0']);
    expect(notes[0]).toMatch(/^the bastion did not reach 127\.0\.0\.1:\d+/);
  });

  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['accepts and never answers', () => {}, /^no TLS session within/],
    ['closes', (socket) => socket.destroy(), /^closed the connection in the TLS handshake$/],
    ['speaks SSH', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), /^does not speak TLS$/],
    [
      'sends without end',
      (socket) => flood(socket, undefined, 2 ** 24),
      /^(cut off: more than 24 KiB before the TLS session|does not speak TLS)/,
    ],
  ])('it %s: down', async (_, behave, note) => {
    const { round } = await setup(await serveRaw(behave));
    const { found, notes } = await round();
    expect([found, notes]).toEqual([['apiserver_up 0'], [expect.stringMatching(note)]]);
  });

  it('it requires a client certificate: up, and no more is known', async () => {
    const mutual = { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const { round } = await setup(await serveTls(mutual, (_, response) => response.end('ok')));
    const { found, notes } = await round();
    expect(found).toEqual(['apiserver_up 1']);
    expect(notes).toEqual(['it answers, and more is unknown: it requires a client certificate']);
  });
});

describe('from the node', () => {
  it('it goes over the session of the node, which is up by that', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/ok');
    const port = await serving(recorded.listener);
    const node = await healthyNode();
    const checks = [{ name: 'api', probe: 'apiserver', options: { port, via: 'node' } }];
    const { prober } = await setupProber({}, { checks });
    const { observations } = await prober.probe(batchOf([targetOf('n', node)], { checks: ['api'] }));
    expect(foundBy(observations, 'api')).toContain('apiserver_ready 1');
    expect(observations[0]).not.toHaveProperty('withoutLogin');
    expect([node.logins, node.dialled]).toEqual([1, [`127.0.0.1:${port}`]]);
  });
});
