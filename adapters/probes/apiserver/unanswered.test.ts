import type { RequestListener } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../../test/certificates.ts';
import { APISERVER_FILES, replay } from '../../../test/kube/replay.ts';
import { useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../../test/service-check.ts';
import { serveTls } from '../../../test/services.ts';
import { probeError } from '../../ssh/failure.ts';
import type { Answered } from './health.ts';
import { observeUnanswered } from './unanswered.ts';

useBastion();

let server: Certificate;
beforeAll(async () => {
  server = await makeCertificate(['127.0.0.1']);
});

const serving = (listener: RequestListener) => serveTls(server, listener);
const setup = (port: number, deadlineMs: number) => setupServiceCheck('apiserver', { port }, { deadlineMs });

describe('while /readyz hangs, as etcd is dead', () => {
  /** Answers all other paths so. */
  const hanging = (answers: Readonly<Record<string, number>>, hangs = ['/readyz?verbose']) => {
    const asked: string[] = [];
    const listener: RequestListener = ({ url = '' }, response) => {
      asked.push(url);
      if (!hangs.includes(url)) response.writeHead(answers[url] ?? 404).end('ok');
    };
    return { asked, listener };
  };
  const DETAIL = ['apiserver_live_without_etcd 1', 'apiserver_ready 0', 'apiserver_up 1'];

  it.each<[string, number, string[], RegExp]>([
    ['is alive', 200, DETAIL, /^\/livez\?exclude=etcd answers: the process is well, and may be waiting/],
    [
      'fails',
      500,
      ['apiserver_live_without_etcd 0', ...DETAIL.slice(1)],
      /fails: not because of etcd alone$/,
    ],
    ['is hidden', 401, DETAIL.slice(1), /^alive, and more is hidden from us: \/livez \(401\); let anonymous/],
    ['is odd', 404, ['apiserver_up 1'], /^\/livez\?exclude=etcd answers 404 "ok": is this an API server\?$/],
  ])('what answers without etcd %s', async (_, status, readings, note) => {
    const { listener, asked } = hanging({ '/livez?exclude=etcd': status });
    const { round } = await setup(await serving(listener), 1_100);
    const { found, notes } = await round();
    expect(found).toEqual(readings);
    expect(notes).toEqual([
      expect.stringMatching(/^\/readyz: no answer within [\d.]+ s$/),
      expect.stringMatching(note),
    ]);
    expect(asked).toEqual(['/readyz?verbose', '/livez?exclude=etcd']);
  });

  it('the version goes on, and checks that failed are not forgotten', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/etcd-dead');
    let hangs = false;
    const port = await serving((request, response) => {
      if (!hangs) recorded.listener(request, response);
      else if (request.url === '/livez?exclude=etcd') response.end('ok');
    });
    const { round } = await setup(port, 1_100);
    await round();
    hangs = true;
    expect((await round()).found).toEqual([...DETAIL, 'apiserver_version 1037002']);
    hangs = false;
    recorded.play('apiserver/ok');
    expect((await round()).found).toContain('apiserver_check{etcd} 1');
  });

  it.each([
    [1_000, ['apiserver_up', 'apiserver_ready', 'apiserver_live_without_etcd']],
    [999, ['apiserver_up', 'apiserver_live_without_etcd']],
  ])('with %d ms left', async (leftMs, metrics) => {
    const answer = { status: 200, body: 'ok' } as Answered;
    const { readings } = await observeUnanswered(
      async () => answer,
      probeError('timeout', 'request', 'no answer within 1 s'),
      { kept: { lastFailures: {} }, hasCredential: false, leftMs },
    );
    expect(readings.map(({ metric }) => metric)).toEqual(metrics);
  });

  it('and nothing else answers either: down', async () => {
    const { listener, asked } = hanging({}, ['/readyz?verbose', '/livez?exclude=etcd']);
    const { round } = await setup(await serving(listener), 700);
    const { found, notes } = await round();
    expect([found, notes]).toEqual([['apiserver_up 0'], [expect.stringMatching(/^no answer within/)]]);
    expect(asked).toHaveLength(2);
  });

  it('/livez may hang as well, behind a /readyz that fails', async () => {
    const { listener, asked } = hanging({ '/readyz?verbose': 500, '/livez?exclude=etcd': 200 }, ['/livez']);
    const { round } = await setup(await serving(listener), 700);
    const { found } = await round();
    expect(found).toEqual(expect.arrayContaining(['apiserver_live_without_etcd 1', 'apiserver_ready 0']));
    expect(found.filter((line) => line.startsWith('apiserver_live '))).toEqual([]);
    expect(asked).toEqual(['/readyz?verbose', '/livez', '/livez?exclude=etcd', '/version']);
  });
});
