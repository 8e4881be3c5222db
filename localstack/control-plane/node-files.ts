// The folder /etc/kubernetes of each node, as `kubeadm init` leaves it: certificates everybody may read, keys and
// kubeconfigs for root alone.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Authority,
  type Certificate,
  type CertificateOptions,
  makeAuthority,
} from '../../test/certificates.ts';
import { SERVICE_NAMES } from '../../test/kube/apiserver.ts';

export interface Authorities {
  kubernetes: Authority;
  etcd: Authority;
  frontProxy: Authority;
  /** Signs the tokens of service accounts, on all nodes. */
  accounts: { public: string; private: string };
}

/** Below /etc/kubernetes, without `.crt`. */
export const CERTIFICATES = [
  'pki/apiserver',
  'pki/apiserver-kubelet-client',
  'pki/apiserver-etcd-client',
  'pki/front-proxy-client',
  'pki/etcd/server',
  'pki/etcd/peer',
  'pki/etcd/healthcheck-client',
] as const;
export type CertificateName = (typeof CERTIFICATES)[number];

const MASTERS = 'system:masters';
const KUBECONFIGS: Readonly<Record<string, (node: string) => CertificateOptions>> = {
  'admin.conf': () => ({ commonName: 'kubernetes-admin', organization: MASTERS }),
  'kubelet.conf': (node) => ({ commonName: `system:node:${node}`, organization: 'system:nodes' }),
  'controller-manager.conf': () => ({ commonName: 'system:kube-controller-manager' }),
  'scheduler.conf': () => ({ commonName: 'system:kube-scheduler' }),
};

export async function createAuthorities(): Promise<Authorities> {
  const [kubernetes, etcd, frontProxy] = await Promise.all(
    ['kubernetes', 'etcd-ca', 'front-proxy-ca'].map((name) => makeAuthority(name)),
  );
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    kubernetes: kubernetes as Authority,
    etcd: etcd as Authority,
    frontProxy: frontProxy as Authority,
    accounts: { public: publicKey, private: privateKey },
  };
}

interface NodeNames {
  name: string;
  host: string;
}

/** Writes all files of a node below `dir`, which stands for /etc/kubernetes. */
export async function writeNodeFiles(dir: string, node: NodeNames, authorities: Authorities): Promise<void> {
  const { kubernetes, etcd, frontProxy, accounts } = authorities;
  for (const [name, { cert, key }] of Object.entries({
    'pki/ca': kubernetes,
    'pki/front-proxy-ca': frontProxy,
    'pki/etcd/ca': etcd,
  }))
    writePair(dir, name, { cert, key });
  writeNodeFile(dir, 'pki/sa.pub', accounts.public, 0o600);
  writeNodeFile(dir, 'pki/sa.key', accounts.private, 0o600);
  await Promise.all([
    ...CERTIFICATES.map((name) => writeCertificate(dir, name, node, authorities)),
    ...Object.entries(KUBECONFIGS).map(async ([file, options]) => {
      const pair = await kubernetes.issue({ ...options(node.name), use: 'client' });
      writeNodeFile(dir, file, kubeconfig(node.host, kubernetes.cert, pair), 0o600);
    }),
  ]);
}

/** Issues one certificate anew, with another lifetime where one is given. Servers that run take it by themselves. */
export async function writeCertificate(
  dir: string,
  name: CertificateName,
  node: NodeNames,
  authorities: Authorities,
  lifetime: Pick<CertificateOptions, 'notBefore' | 'notAfter'> = {},
): Promise<void> {
  writePair(dir, name, await issue(name, node, authorities, lifetime));
}

function issue(
  name: CertificateName,
  node: NodeNames,
  { kubernetes, etcd, frontProxy }: Authorities,
  lifetime: Pick<CertificateOptions, 'notBefore' | 'notAfter'>,
): Promise<Certificate> {
  const local = [node.name, 'localhost', node.host, '127.0.0.1', '::1'];
  const client = (commonName: string, organization?: string) =>
    ({ commonName, organization, use: 'client', ...lifetime }) as const;
  switch (name) {
    case 'pki/apiserver': {
      const names = [node.name, ...SERVICE_NAMES, node.host];
      return kubernetes.issue({ commonName: 'kube-apiserver', names, use: 'server', ...lifetime });
    }
    case 'pki/apiserver-kubelet-client':
      return kubernetes.issue(client('kube-apiserver-kubelet-client', 'kubeadm:cluster-admins'));
    case 'pki/apiserver-etcd-client':
      return etcd.issue(client('kube-apiserver-etcd-client'));
    case 'pki/front-proxy-client':
      return frontProxy.issue(client('front-proxy-client'));
    case 'pki/etcd/server':
    case 'pki/etcd/peer':
      return etcd.issue({ commonName: node.name, names: local, ...lifetime });
    case 'pki/etcd/healthcheck-client':
      return etcd.issue(client('kube-etcd-healthcheck-client'));
  }
}

function kubeconfig(host: string, ca: string, { cert, key }: Certificate): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster:
    certificate-authority-data: ${base64(ca)}
    server: https://${host}:6443
contexts:
- name: default
  context: { cluster: kubernetes, user: default }
current-context: default
users:
- name: default
  user:
    client-certificate-data: ${base64(cert)}
    client-key-data: ${base64(key)}
`;
}

/** The key first: a server that reads in between keeps what it has. */
function writePair(dir: string, name: string, { cert, key }: Certificate): void {
  writeNodeFile(dir, `${name}.key`, key, 0o600);
  writeNodeFile(dir, `${name}.crt`, cert, 0o644);
}

/** Replaces the file: nobody reads half of it. */
function writeNodeFile(dir: string, name: string, text: string, mode: number): void {
  const file = join(dir, name);
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
