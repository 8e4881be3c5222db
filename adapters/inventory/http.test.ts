import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../test/certificates.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { openSources } from './registry.ts';

const TOKEN = 'inventory-t0ken-0123456789';
const CLUSTERS = [
  { name: 'a', bastion: 'gate', nodes: [] },
  { name: 'b', bastion: 'gate', nodes: [] },
];

let answer: RequestListener = () => {};
const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  answer(request, response);
});
let dir: string;
let url: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-http-inventory-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/clusters`;
});
afterEach(() => void requests.splice(0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(options: Record<string, unknown> = {}) {
  const secrets = createSecrets({ baseDir: dir, env: { TOKEN } });
  const inventory = [{ type: 'http', options: { name: 'own', url, timeout: '2s', ...options } }];
  const [source] = openSources(inventory, { secrets, clock: { nowMs: () => 0 } });
  if (!source) throw new Error('no source');
  return source;
}
const json =
  (value: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(200, headers).end(JSON.stringify(value));
  };
const failure = (options?: Record<string, unknown>) =>
  open(options)
    .list()
    .then(() => 'no error')
    .catch((error: Error) => `${error.name}: ${error.message}`);

it('lists clusters by their names, and logs in with the token', async () => {
  answer = json({ data: CLUSTERS });
  const source = open({ list: 'data', bearerToken: '${env:TOKEN}', headers: { 'x-site': 'seoul' } });
  expect(source.name).toBe('http own');
  expect(await source.list()).toEqual(
    CLUSTERS.map((cluster) => ({ id: cluster.name, text: JSON.stringify(cluster) })),
  );
  expect(requests[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-site': 'seoul' });
});

it('asks whether the answer has changed, and takes a 304 for the entries of before', async () => {
  let clusters = CLUSTERS;
  answer = (request, response) => {
    const etag = `"${clusters.length}"`;
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(JSON.stringify(clusters));
  };
  const source = open();
  const first = await source.list();
  expect(await source.list()).toEqual(first);
  clusters = CLUSTERS.slice(0, 1);
  expect(await source.list()).toHaveLength(1);
  expect(await source.list()).toHaveLength(1);
  expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"2"', '"2"', '"1"']);
});

describe('an answer in pages', () => {
  const named = (name: string) => ({ name, bastion: 'gate', nodes: [] });
  const namesOf = async (options: Record<string, unknown>) =>
    (await open(options).list()).map(({ id }) => id).join();
  /** Pages by the query of their address. */
  const pages = (found: Record<string, [unknown, string?]>): RequestListener => {
    return (request, response) => {
      const [page, link] = found[(request.url ?? '').split('?')[1] ?? ''] ?? [];
      if (page === undefined) return void response.writeHead(404).end();
      response
        .writeHead(200, { etag: '"first"', ...(link !== undefined && { link }) })
        .end(JSON.stringify(page));
    };
  };

  it.each<[string, Record<string, unknown>, Record<string, [unknown, string?]>]>([
    [
      'by addresses in it',
      { list: 'data', next: 'meta.next' },
      {
        '': [{ data: [named('a')], meta: { next: '?page=2' } }],
        'page=2': [{ data: [named('b')], meta: { next: '/clusters?page=3' } }],
        'page=3': [{ data: [named('c')], meta: { next: null } }],
      },
    ],
    [
      'by the header Link',
      {},
      {
        '': [[named('a')], '</first>; rel="first", <?page=2>; title="x, y"; rel="next last"'],
        'page=2': [[named('b'), named('c')], '<?page=1>; rel=prev'],
      },
    ],
    [
      'by marks for a parameter',
      { list: 'items', next: 'token', nextParameter: 'pageToken' },
      {
        '': [{ items: [named('a')], token: 'x y' }],
        'pageToken=x+y': [{ items: [named('b'), named('c')], token: '' }],
      },
    ],
    [
      'where a cluster moved to the next page meanwhile',
      {},
      { '': [[named('a'), named('b')], '<?page=2>; rel=next'], 'page=2': [[named('b'), named('c')]] },
    ],
  ])('is read whole, %s', async (_, options, found) => {
    answer = pages(found);
    expect(await namesOf({ ...options, bearerToken: '${env:TOKEN}' })).toBe('a,b,c');
    // The ETag of the first page does not stand for all.
    expect(await namesOf(options)).toBe('a,b,c');
    expect(requests.filter(({ headers }) => headers['if-none-match'])).toEqual([]);
  });

  it('is new where its last page is what the whole answer was before', async () => {
    const page = [named('b')];
    let isWhole = true;
    answer = (request, response) => {
      const isFirst = !request.url?.includes('?');
      const [body, etag] = isFirst && !isWhole ? [[named('a')], '"a"'] : [page, '"b"'];
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
      const link = isFirst && !isWhole ? { link: '<?page=2>; rel=next' } : {};
      response.writeHead(200, { etag, ...link }).end(JSON.stringify(body));
    };
    const source = open();
    expect(await source.list()).toHaveLength(1);
    isWhole = false;
    expect((await source.list()).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('lists two clusters of one name, which the fleet reports', async () => {
    const other = { ...named('a'), bastion: 'other' };
    answer = pages({ '': [[named('a')], '<?page=2>; rel=next'], 'page=2': [[other]] });
    expect(await open().list()).toEqual([
      { id: 'a', text: JSON.stringify(named('a')) },
      { id: 'a', text: JSON.stringify(other) },
    ]);
  });

  it.each<[string, Record<string, [unknown, string?]>, string]>([
    [
      'lead to another host, which would get the token',
      { '': [{ next: 'http://other.example.net/' }] },
      'another host',
    ],
    ['lead to another protocol', { '': [{ next: 'file:///etc/passwd' }] }, 'another host'],
    ['lead back', { '': [{ next: '?a' }], a: [{ next: '?b' }], b: [{ next: '?a' }] }, 'in a circle'],
    ['lead to themselves', { '': [{ next: '?a' }], a: [{ next: '?a' }] }, 'in a circle'],
    ['have an object in place of an address', { '': [{ next: {} }] }, 'neither text nor number'],
    ['have no address', { '': [{ next: 'http://[' }] }, 'malformed'],
    ['lack one in the middle', { '': [{ next: '?a' }] }, 'answered 404'],
  ])('is an error, and no part of the fleet, where pages %s', async (_, found, expected) => {
    answer = pages(
      Object.fromEntries(
        Object.entries(found).map(([query, [page]]) => [
          query,
          [{ data: [named('a')], ...(page as object) }],
        ]),
      ),
    );
    const message = await failure({ list: 'data', next: 'next', bearerToken: '${env:TOKEN}' });
    expect(message).toContain(expected);
    expect(message).not.toContain(TOKEN);
  });

  it('has an end, however many pages and bytes there are', async () => {
    let count = 0;
    answer = (_, response) => void response.end(JSON.stringify({ data: [], next: `?${++count}` }));
    expect(await failure({ list: 'data', next: 'next' })).toContain('more than 500 pages');
    expect(count).toBe(500);
    const filler = 'x'.repeat(6 * 1024 ** 2);
    answer = (_, response) => void response.end(JSON.stringify({ data: [], next: `?${++count}`, filler }));
    expect(await failure({ list: 'data', next: 'next' })).toContain('longer than 16 MiB');
    expect(count).toBe(503);
  });
});

it.each<[string, RequestListener, string]>([
  [
    'a refused login',
    (_, r) => void r.writeHead(401).end('who?'),
    'ConfigError: HOST answered 401: who? (check the credentials)',
  ],
  [
    'a service that is overloaded',
    (_, r) => void r.writeHead(503).end(),
    'RetryableError: HOST answered 503',
  ],
  [
    'a redirect, which would get the token',
    (_, r) => void r.writeHead(302, { location: 'http://other.example.net/' }).end(),
    'PermanentError: HOST redirects (302) to other.example.net; write the final address into the configuration',
  ],
  [
    'a 304 without a question',
    (_, r) => void r.writeHead(304).end(),
    'PermanentError: HOST redirects (304) to',
  ],
  ['a text', (_, r) => void r.end('<html>'), 'PermanentError: the answer is not JSON (6 characters)'],
  [
    'no list',
    json({ items: [] }),
    'PermanentError: the answer has no list; `list` is the path of the list of clusters',
  ],
  [
    'an answer that breaks off',
    (_, r) => {
      r.writeHead(200, { 'content-length': '100' }).write('[');
      setImmediate(() => r.destroy());
    },
    'PermanentError: the answer is incomplete, or longer than 16 MiB',
  ],
  [
    'too long an answer',
    (_, r) => void r.end(Buffer.alloc(16 * 1024 ** 2 + 1, ' ')),
    'PermanentError: the answer is incomplete, or longer than 16 MiB',
  ],
])('is an error in words for %s', async (_, listener, expected) => {
  answer = listener;
  expect((await failure()).replace(new URL(url).host, 'HOST')).toContain(expected);
});

it('waits for an answer no longer than its time', async () => {
  answer = (_, response) => void response.writeHead(200).write('[');
  const begunMs = performance.now();
  expect(await failure({ timeout: '200ms' })).toMatch(/^(Retryable|Permanent)Error/);
  expect(performance.now() - begunMs).toBeLessThan(scaledMs(3_000));
});

it('has an id for an element without a name, and shows no secret in errors', async () => {
  answer = json([{ nodes: [] }]);
  expect(await open().list()).toEqual([{ id: 'element 0 without a name', text: '{"nodes":[]}' }]);
  answer = (request, response) => void response.writeHead(403).end(`no: ${request.headers.authorization}`);
  expect(await failure({ bearerToken: '${env:TOKEN}' })).not.toContain(TOKEN);
});

it('shows a certificate of its own where the service asks for one', async () => {
  const authority = await makeAuthority();
  const [ours, theirs] = await Promise.all([
    authority.issue({ commonName: 'bartizan', use: 'client' }),
    authority.issue({ commonName: 'api', names: ['127.0.0.1'], use: 'server' }),
  ]);
  writeFileSync(join(dir, 'ca.pem'), authority.cert);
  writeFileSync(join(dir, 'client.pem'), ours.cert);
  writeFileSync(join(dir, 'client.key'), ours.key, { mode: 0o600 });
  const secure = createHttpsServer(
    { key: theirs.key, cert: theirs.cert, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (_, response) => void response.end(JSON.stringify(CLUSTERS)),
  );
  secure.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const address = {
    url: `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`,
    ca: '${file:ca.pem}',
  };
  const own = { clientCertificate: '${file:client.pem}', clientKey: '${file:client.key}' };
  try {
    expect(await open({ ...address, ...own }).list()).toHaveLength(2);
    expect(await failure(address)).not.toBe('no error');
    writeFileSync(join(dir, 'client.key'), readFileSync(join(dir, 'client.pem')));
    const refused = await failure({ ...address, ...own });
    expect(refused).toContain('are not a certificate in PEM and its private key');
  } finally {
    secure.closeAllConnections();
    secure.close();
  }
});
