// A real kube-apiserver on members of etcd, with certificates made here.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../localstack/free-port.ts';
import { type Authority, type Certificate, makeAuthority } from '../certificates.ts';
import { type Answer, type AskOptions, ask } from './ask.ts';
import { startDaemon, waitForReady } from './daemon.ts';

/**
 * Who is answered without a credential: everybody as RBAC allows (`open`, the default of Kubernetes); nobody, with 401
 * (`unauthorized`) or 403 (`forbidden`); everybody, but for these paths only, by an AuthenticationConfiguration.
 */
export type Access = 'open' | 'unauthorized' | 'forbidden' | { paths: readonly string[] };

export interface Apiserver {
  url: string;
  ca: Authority;
  /** A certificate of the group `system:masters`. */
  admin: Certificate;
  /** Asks for a path, without a credential unless one is given. */
  ask(path: string, options?: AskOptions): Promise<Answer>;
  log(): string;
  stop(): Promise<void>;
}

export interface ApiserverOptions {
  /** The program, with arguments that stand before ours. */
  program: readonly string[];
  /** Folder for certificates and the log. */
  dir: string;
  etcdUrls: readonly string[];
  /** Default: open. */
  access?: Access;
}

const HOST = '127.0.0.1';
/** Seven seconds on a quiet machine. */
const READY_WITHIN_MS = 120_000;
export const SERVICE_ADDRESSES = '10.96.0.0/12';
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Names that kubeadm puts into the certificate, beside those of the node. */
export const SERVICE_NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '10.96.0.1',
] as const;

/** Resolves when it is ready. When it does not get there it is ended. */
export async function startApiserver(options: ApiserverOptions): Promise<Apiserver> {
  const { program, dir, etcdUrls, access = 'open' } = options;
  mkdirSync(dir, { recursive: true });
  const ca = await makeAuthority('kubernetes');
  const [server, accounts, admin] = await Promise.all([
    ca.issue({ commonName: 'kube-apiserver', names: [HOST, 'localhost', ...SERVICE_NAMES], use: 'server' }),
    ca.issue({ commonName: 'service accounts' }),
    ca.issue({ commonName: 'kubernetes-admin', organization: 'system:masters', use: 'client' }),
  ]);
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const port = await freePort();
  const url = `https://${HOST}:${port}`;
  const log = join(dir, 'kube-apiserver.log');
  const daemon = startDaemon(
    [
      ...program,
      `--etcd-servers=${etcdUrls.join(',')}`,
      `--bind-address=${HOST}`,
      `--secure-port=${port}`,
      `--tls-cert-file=${file('apiserver.crt', server.cert)}`,
      `--tls-private-key-file=${file('apiserver.key', server.key)}`,
      `--client-ca-file=${file('ca.crt', ca.cert)}`,
      `--service-account-key-file=${file('sa.crt', accounts.cert)}`,
      `--service-account-signing-key-file=${file('sa.key', accounts.key)}`,
      `--service-account-issuer=${ISSUER}`,
      `--service-cluster-ip-range=${SERVICE_ADDRESSES}`,
      `--advertise-address=${HOST}`,
      '--endpoint-reconciler-type=none',
      ...accessFlags(access, (text) => file('authentication.yaml', text)),
    ],
    log,
    dir,
  );
  const askHere = (path: string, more: AskOptions = {}) => ask(url + path, { ca: ca.cert, ...more });
  try {
    await waitForReady('kube-apiserver', daemon, READY_WITHIN_MS, async () => {
      const { status } = await askHere('/readyz', { client: admin });
      return status === 200;
    });
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { url, ca, admin, ask: askHere, log: daemon.log, stop: daemon.stop };
}

/** Flags of kube-apiserver; `write` keeps a file and returns its path. */
export function accessFlags(access: Access, write: (text: string) => string): string[] {
  // The authorizer of nodes alone has no rule for clients without a credential.
  if (access === 'forbidden') return ['--authorization-mode=Node'];
  const mode = '--authorization-mode=Node,RBAC';
  if (access === 'open') return [mode];
  if (access === 'unauthorized') return [mode, '--anonymous-auth=false'];
  const conditions = access.paths.map((path) => `    - path: ${path}\n`).join('');
  const text = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous:
  enabled: true
  conditions:
${conditions}`;
  return [mode, `--authentication-config=${write(text)}`];
}
