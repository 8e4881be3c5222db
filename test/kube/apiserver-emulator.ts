// Answers clients without a credential as a real kube-apiserver answered when it was recorded, for machines where that
// is not built. A program with kube-apiserver's flags, those that tests use and no other. What was not recorded it does
// not answer: 501, in words.
import { readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { type AskOptions, ask } from './ask.ts';
import { forbiddenPath, healthAnswer, isHealthPath, type Reply } from './emulated-health.ts';
import { readRecorded } from './recorded.ts';

const text = { type: 'string' } as const;
const { values: flags } = parseArgs({
  options: {
    'etcd-servers': text,
    'etcd-cafile': text,
    'etcd-certfile': text,
    'etcd-keyfile': text,
    'bind-address': text,
    'secure-port': text,
    'advertise-address': text,
    'tls-cert-file': text,
    'tls-private-key-file': text,
    'client-ca-file': text,
    'service-account-key-file': text,
    'service-account-signing-key-file': text,
    'service-account-issuer': text,
    'service-cluster-ip-range': text,
    'endpoint-reconciler-type': text,
    'authorization-mode': text,
    'anonymous-auth': text,
    'authentication-config': text,
  },
});
/** Real ones need some seconds to notice; here each request asks. */
const ETCD_WITHIN_MS = 3_000;

const contentOf = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file, 'utf8'));

async function isEtcdHealthy(): Promise<boolean> {
  const [ca, cert, key] = [flags['etcd-cafile'], flags['etcd-certfile'], flags['etcd-keyfile']].map(
    contentOf,
  );
  const access: AskOptions = { ca, ...(cert && key && { client: { cert, key } }), withinMs: ETCD_WITHIN_MS };
  const checks = (flags['etcd-servers'] ?? '').split(',').map(async (url) => {
    const { status } = await ask(`${url}/health`, access);
    if (status !== 200) throw new Error(`etcd answers ${status}`);
  });
  return Promise.any(checks).then(
    () => true,
    () => false,
  );
}

/** Paths that an AuthenticationConfiguration opens; undefined: all. */
function openPaths(): readonly string[] | undefined {
  if (flags['anonymous-auth'] === 'false') return [];
  const file = contentOf(flags['authentication-config']);
  if (file === undefined) return undefined;
  const { anonymous } = parse(file) as { anonymous: { conditions: { path: string }[] } };
  return anonymous.conditions.map(({ path }) => path);
}

async function reply(url: URL, isAdmin: boolean): Promise<Reply> {
  const open = openPaths();
  if (!isAdmin && open && !open.includes(url.pathname)) return readRecorded('apiserver/unauthorized/readyz');
  if (!isAdmin && flags['authorization-mode'] === 'Node') return forbiddenPath(url.pathname);
  if (url.pathname === '/version') return readRecorded('apiserver/ok/version');
  if (isHealthPath(url.pathname)) return healthAnswer(url, await isEtcdHealthy());
  if (isAdmin)
    return { status: 501, headers: {}, body: 'the emulator answers no client with a credential\n' };
  return forbiddenPath(url.pathname);
}

async function refuseMethod(method = ''): Promise<Reply> {
  return { status: 501, headers: {}, body: `the emulator has no recorded answer to ${method}\n` };
}

function tlsFiles(): ServerOptions {
  return {
    cert: contentOf(flags['tls-cert-file']),
    key: contentOf(flags['tls-private-key-file']),
    ca: contentOf(flags['client-ca-file']),
  };
}

const server = createServer({ ...tlsFiles(), requestCert: true, rejectUnauthorized: false });

server.on('request', (request, response) => {
  const url = new URL(request.url ?? '/', 'https://emulator');
  const { authorized } = request.socket as TLSSocket;
  const answered = request.method === 'GET' ? reply(url, authorized) : refuseMethod(request.method);
  void answered.then(({ status, headers, body }) => {
    response.writeHead(status, headers as OutgoingHttpHeaders);
    response.end(body);
  });
});
// In front of the listener that begins the handshake: files may have changed.
server.prependListener('connection', () => server.setSecureContext(tlsFiles()));
server.listen(Number(flags['secure-port']), flags['bind-address']);
