// A server that has a secret of ours may send it back anywhere. It must come to no note, label, log line, audit line or stored state.

import type { RequestListener, ServerResponse } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../test/certificates.ts';
import { useBastion } from '../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../test/service-check.ts';
import { serveTls } from '../../test/services.ts';

useBastion();

const TOKEN = 'Zq7Xw9Kp3Lm5Tv1RbJd8Nf2Hs6Gc4Ya0';
/** A shorter piece tells nobody anything. */
const PIECE = 8;

let authority: Certificate;
let server: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['127.0.0.1'], { authority });
});

const tls = { tls: true, ca: '${file:ca}' };
const token = { token: '${env:TOKEN}' };
const series = [{ name: 'x', metric: 'x' }];
/** Every kind that sends a secret, in each way in which it can. */
const CHECKS: Readonly<Record<string, [probe: string, options: Record<string, unknown>]>> = {
  'apiserver, token': ['apiserver', { ca: '${file:ca}', ...token }],
  'http, token': ['http', { ...tls, ...token, values: { x: '$.x' }, contains: 'well', matches: 'well' }],
  'http, header': ['http', { ...tls, headers: { 'X-Token': '${env:TOKEN}' }, values: { x: '$.x' } }],
  'http, body': ['http', { ...tls, method: 'POST', body: 't=${env:TOKEN}', values: { x: '$.x' } }],
  'prometheus, token': ['prometheus', { ...tls, ...token, via: 'bastion', series }],
};

const text = (status: number, body: string) => (response: ServerResponse) =>
  void response.writeHead(status).end(body);
/** Texts that are cut for a message: some end inside the token. */
const long = [0, 60, 90, 105, 118, 230].map((length) => `${'a'.repeat(length)}${TOKEN} is no token`);
const ECHOES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  ...Object.fromEntries(
    [200, 401, 404, 500].flatMap((status) =>
      long.map((body, i) => [`${status}, ${i}`, text(status, body)] as const),
    ),
  ),
  'in two pieces': text(404, `${TOKEN.slice(0, 16)} ${TOKEN.slice(16)}`),
  'as the name of a health check': text(500, `[-]${TOKEN} failed: reason withheld\n[-]a-${TOKEN} failed: x`),
  'in JSON': text(200, JSON.stringify({ gitVersion: TOKEN, x: TOKEN, [TOKEN]: 1, reason: TOKEN })),
  'in metrics': text(200, `# HELP x ${TOKEN}\nx{t="${TOKEN}"} 1\nx{t="${TOKEN}2"} 1\n${TOKEN} ${TOKEN}\n`),
  'in the status': (response) => void response.writeHead(500, `No ${TOKEN}`).end('no'),
  'in headers': (response) =>
    void response.writeHead(302, { location: `/${TOKEN}`, 'www-authenticate': `Bearer ${TOKEN}` }).end(),
  'instead of HTTP': (response) => void response.socket?.end(`HTTP/1.1 ${TOKEN}\r\n${TOKEN}\r\n\r\n`),
};

describe.each(Object.entries(CHECKS))('%s', (_, [probe, options]) => {
  it.each(Object.entries(ECHOES))('sent back: %s', async (__, echo) => {
    let isSent = false;
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        isSent ||= JSON.stringify([request.headers, Buffer.concat(chunks).toString()]).includes(TOKEN);
        echo(response);
      });
    };
    const port = await serveTls(server, listener);
    const keys = { '${env:TOKEN}': TOKEN, 't=${env:TOKEN}': `t=${TOKEN}`, '${file:ca}': authority.cert };
    const check = await setupServiceCheck(probe, { port, ...options }, { keys });
    const rounds = [await check.round(), await check.round()];
    expect(isSent).toBe(true);
    const all = JSON.stringify([rounds, check.audit, [...check.counters], check.log.lines]);
    const pieces = Array.from({ length: TOKEN.length - PIECE + 1 }, (___, i) => TOKEN.slice(i, i + PIECE));
    expect(pieces.filter((piece) => all.includes(piece))).toEqual([]);
  });

  it('a server that `ca` does not verify is sent nothing', async () => {
    const wrong = [
      await makeCertificate(['127.0.0.1']),
      await makeCertificate(['127.0.0.1'], { authority: await makeAuthority() }),
      await makeCertificate(['other'], { authority }),
    ];
    for (const certificate of wrong)
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        let requests = 0;
        const port = await serveTls({ ...certificate, maxVersion }, (___, response) => {
          requests++;
          response.end('ok');
        });
        const keys = { '${env:TOKEN}': TOKEN, 't=${env:TOKEN}': `t=${TOKEN}`, '${file:ca}': authority.cert };
        const check = await setupServiceCheck(probe, { port, ...options }, { keys });
        const { found, notes } = await check.round();
        expect(requests).toBe(0);
        expect(JSON.stringify([found, notes])).toMatch(/not trusted|auth/);
      }
  });
});
