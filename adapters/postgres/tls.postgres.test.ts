import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Secrets } from '../../core/ports.ts';
import { type Authority, type Certificate, makeAuthority, makeCertificate } from '../../test/certificates.ts';
import {
  ownByServer,
  POSTGRES_PASSWORD,
  type PostgresServer,
  startPostgres,
} from '../../test/postgres-server.ts';
import { openPostgresState } from '../state/postgres/state.ts';
import { openPool } from './pool.ts';

let dir: string;
let authority: Authority;
let other: Authority;
let client: Certificate;
let server: PostgresServer;
let password = POSTGRES_PASSWORD;

/** References are names of what they stand for. */
const secrets: Secrets = {
  async resolve(text) {
    const values: Record<string, string> = {
      '${env:PG_PASSWORD}': password,
      '${file:ca}': authority.cert,
      '${file:other}': other.cert,
      '${file:cert}': client.cert,
      '${file:key}': client.key,
    };
    return values[text] ?? text;
  },
  redact: (text) => text,
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-postgres-tls-'));
  [authority, other] = [await makeAuthority('ours'), await makeAuthority('another')];
  const own = await makeCertificate(['db.example.net', '127.0.0.1'], { authority });
  client = await authority.issue({ commonName: 'bartizan', use: 'client' });
  const files = { cert: own.cert, key: own.key, ca: authority.cert };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    ownByServer(join(dir, name));
  }
  ownByServer(dir);
  const settings = [
    'ssl=on',
    `ssl_cert_file=${dir}/cert`,
    `ssl_key_file=${dir}/key`,
    `ssl_ca_file=${dir}/ca`,
  ];
  server = await startPostgres(settings);
});
afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

/** What opening state ends with: the schema is missing, where the connection is right. */
const outcome = (tls: object) =>
  openPostgresState(server.options('none', { tls }), { secrets }).then(
    () => 'opened',
    ({ message }: Error) => message.replace(/^.*schema none: /, ''),
  );
const RIGHT = 'there is no state yet; `bartizan up` writes it';

it.each([
  ['the authority is ours', { ca: '${file:ca}' }, RIGHT],
  [
    'a client certificate goes along',
    { ca: '${file:ca}', clientCertificate: '${file:cert}', clientKey: '${file:key}' },
    RIGHT,
  ],
  ['its name is one of the certificate', { ca: '${file:ca}', servername: 'db.example.net' }, RIGHT],
  ['its name is another', { ca: '${file:ca}', servername: 'localhost' }, 'it was issued for another name'],
  ['the authority is another', { ca: '${file:other}' }, 'it is signed by an unknown authority'],
  ['no authority is named', {}, 'it is signed by an unknown authority'],
])('the certificate is checked: %s', async (_what, tls, expected) => {
  expect(await outcome(tls)).toContain(expected);
});

it('a password that changes is read again for the next connection', async () => {
  const sessions = await openPool(server.options('none', { tls: { ca: '${file:ca}' } }), secrets);
  const ask = () => sessions.use((session) => session.query('SELECT current_user'));
  await ask();
  await server.query(`ALTER ROLE bartizan PASSWORD 'another'`);
  await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bartizan'`);
  await ask().catch(() => {});
  await expect(ask()).rejects.toThrow('password authentication failed');
  password = 'another';
  expect((await ask()).rows).toEqual([['bartizan']]);
  await sessions.close();
});
