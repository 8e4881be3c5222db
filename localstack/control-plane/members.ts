// The commands of a node's etcd and kube-apiserver, with the flags that kubeadm gives them.
import { join } from 'node:path';
import { type Access, accessFlags, ISSUER, SERVICE_ADDRESSES } from '../../test/kube/apiserver.ts';

export interface Member {
  name: string;
  host: string;
  /** Its /etc/kubernetes, from outside. */
  files: string;
}

export const PORTS = { apiserver: 6443, etcdClient: 2379, etcdPeer: 2380, etcdMetrics: 2381 } as const;

export function etcdFlags(
  member: Member,
  members: readonly Member[],
  dataDir: string,
  quotaBytes: number | undefined,
): string[] {
  const peerUrl = ({ host }: Member) => `https://${host}:${PORTS.etcdPeer}`;
  const clientUrl = (host: string) => `https://${host}:${PORTS.etcdClient}`;
  const pki = (name: string) => join(member.files, 'pki/etcd', name);
  return [
    `--name=${member.name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${clientUrl('127.0.0.1')},${clientUrl(member.host)}`,
    `--advertise-client-urls=${clientUrl(member.host)}`,
    `--listen-peer-urls=${peerUrl(member)}`,
    `--initial-advertise-peer-urls=${peerUrl(member)}`,
    `--initial-cluster=${members.map((each) => `${each.name}=${peerUrl(each)}`).join(',')}`,
    `--listen-metrics-urls=http://127.0.0.1:${PORTS.etcdMetrics}`,
    `--cert-file=${pki('server.crt')}`,
    `--key-file=${pki('server.key')}`,
    `--trusted-ca-file=${pki('ca.crt')}`,
    '--client-cert-auth=true',
    `--peer-cert-file=${pki('peer.crt')}`,
    `--peer-key-file=${pki('peer.key')}`,
    `--peer-trusted-ca-file=${pki('ca.crt')}`,
    '--peer-client-cert-auth=true',
    ...(quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
  ];
}

/** @param write keeps a file for the server, and returns its path */
export function apiserverFlags(member: Member, access: Access, write: (text: string) => string): string[] {
  const pki = (name: string) => join(member.files, 'pki', name);
  return [
    `--etcd-servers=https://127.0.0.1:${PORTS.etcdClient}`,
    `--etcd-cafile=${pki('etcd/ca.crt')}`,
    `--etcd-certfile=${pki('apiserver-etcd-client.crt')}`,
    `--etcd-keyfile=${pki('apiserver-etcd-client.key')}`,
    '--bind-address=0.0.0.0',
    `--secure-port=${PORTS.apiserver}`,
    `--advertise-address=${member.host}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--service-account-issuer=${ISSUER}`,
    `--service-cluster-ip-range=${SERVICE_ADDRESSES}`,
    '--endpoint-reconciler-type=none',
    ...accessFlags(access, write),
  ];
}
