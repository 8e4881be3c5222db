// A control plane of kubeadm's kind behind a bastion: three nodes in network namespaces, each with its own sshd,
// loopback, etcd member, kube-apiserver and /etc/kubernetes; and switches for what can go wrong. Needs root.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, createFleet } from '../../examples/openssh/fleet.ts';
import { createNetwork, inNamespace, NODES } from '../../examples/openssh/network.ts';
import type { Access } from '../../test/kube/apiserver.ts';
import type { Answer, AskOptions } from '../../test/kube/ask.ts';
import { findParts, type Parts } from '../../test/kube/parts.ts';
import { type Growth, growDatabase } from './growth.ts';
import { openInside } from './inside.ts';
import { PORTS } from './members.ts';
import { type CertificateName, createAuthorities, writeCertificate, writeNodeFiles } from './node-files.ts';
import { createNodeServers } from './node-servers.ts';
import { makeOwnEtc, withOwnEtc } from './own-etc.ts';

interface Endpoint {
  name: string;
  host: string;
  port: number;
  /** known_hosts style, without the name. */
  hostKey: string;
}

export interface ControlPlaneNode extends Endpoint {
  namespace: string;
  /** The node's /etc/kubernetes, from outside. */
  files: string;
}

export interface ControlPlane {
  /** Which etcd and API server run. */
  parts: Parts;
  /** Network namespace from which only the bastion can be reached. */
  watcher: { namespace: string };
  bastion: Endpoint;
  nodes: readonly ControlPlaneNode[];
  /** User of the bastion and the nodes; not root. */
  user: string;
  /** Path of the private key that all of them accept. */
  keyFile: string;
  /** PEM of the authority that signs for the API servers. */
  ca: string;
  faults: Faults;
  /** A request from inside the first node, where all addresses of the nodes can be reached. */
  ask(url: string, options?: AskOptions): Promise<Answer>;
  stop(): Promise<void>;
}

/** `node` is the name of one. What cannot be done throws. */
export interface Faults {
  stopEtcd(node: string): Promise<void>;
  startEtcd(node: string): Promise<void>;
  stopApiserver(node: string): Promise<void>;
  /** Starts the API server anew; `access` says whom it answers without a credential. Default: as RBAC allows. */
  startApiserver(node: string, access?: Access): Promise<void>;
  /** The node's firewall swallows what comes from other networks for the API server; the node's SSH stays open. */
  hideBehindFirewall(node: string): void;
  openFirewall(node: string): void;
  /** Issues a certificate anew that ends so soon. Its lifetime is a year, as kubeadm's. */
  shortenCertificate(node: string, name: CertificateName, leftMs: number): Promise<void>;
  /** Writes into etcd until it is stopped, or etcd refuses. */
  growDatabase(bytesPerSecond: number): Growth;
}

export interface ControlPlaneOptions {
  /** Folder of all files, for this scene alone. */
  dir: string;
  /** Default: cp-1 to cp-3. */
  names?: readonly string[];
  /** Quota of each member's database. Default: etcd's, 2 GiB. */
  quotaBytes?: number;
  /** More lines of sshd_config on nodes, in front of ours. */
  nodeConfig?: readonly string[];
  /** Default: the real programs, or what replaces them. */
  parts?: Parts;
  report?: (text: string) => void;
}

const ACCOUNT = { name: 'probe', uid: 47_120, shell: '/bin/sh' };
const NOGROUP = 65_534;
const YEAR_MS = 365 * 86_400_000;
/** In front of the firewall of the network; peers and the node itself stay. */
const HIDING = `table inet hiding {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname != "lo" ip saddr != ${NODES} tcp dport ${PORTS.apiserver} drop
  }
}
`;

/** Resolves when all of it is ready. When it does not get there nothing is left running. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dir, names = ['cp-1', 'cp-2', 'cp-3'], quotaBytes, nodeConfig = [], report = () => {} } = options;
  const parts = options.parts ?? findParts();
  if (!parts)
    throw new Error('there is no etcd here: `npm run kube` with Go 1.26, or apt-get install etcd-server');
  if (parts.replaced !== undefined) report(parts.replaced);
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o711);
  const opened: { stop(): void | Promise<void> }[] = [];
  const stop = async () => {
    for (const part of opened.splice(0).reverse()) await part.stop();
  };

  try {
    const ports = [22, PORTS.apiserver, PORTS.etcdClient, PORTS.etcdPeer];
    const network = await createNetwork(names, { ports, peers: true });
    opened.push(network);
    const fleet = createFleet(join(dir, 'ssh'));
    chmodSync(fleet.dir, 0o711);
    opened.push(fleet);
    const account = makeAccount(dir);
    const startSshd = async (name: string, host: string, namespace: string, more: object = {}) => {
      const { hostKeys } = await fleet.start({
        name,
        host,
        namespace,
        port: 22,
        hostKeys: ['ed25519'],
        account,
        ...more,
      });
      return { name, host, port: 22, hostKey: hostKeys[0] as string };
    };
    const bastion = await startSshd('bastion', network.bastion.host, network.bastion.namespace);

    const authorities = await createAuthorities();
    const nodes = await Promise.all(
      network.nodes.map(async ({ name, host, namespace }): Promise<ControlPlaneNode> => {
        const folder = join(dir, name);
        const files = makeOwnEtc(folder);
        await writeNodeFiles(files, { name, host }, authorities);
        const config = [...nodeConfig, 'AllowStreamLocalForwarding no'];
        const endpoint = await startSshd(name, host, namespace, { config, before: withOwnEtc(folder) });
        return { ...endpoint, namespace, files };
      }),
    );

    const inside = openInside((nodes[0] as ControlPlaneNode).namespace);
    opened.push(inside);
    const servers = createNodeServers({
      parts,
      dir: join(dir, 'servers'),
      members: nodes,
      authorities,
      quotaBytes,
      inside,
    });
    opened.push(servers);
    report(`starting etcd and kube-apiserver on ${names.join(', ')}`);
    await servers.startAll();

    const nodeOf = (name: string) => {
      const node = nodes.find((each) => each.name === name);
      if (!node) throw new Error(`no node ${name}; there are ${names.join(', ')}`);
      return node;
    };
    const nft = (node: string, args: readonly string[], input?: string) => {
      const { namespace } = nodeOf(node);
      execFileSync(...inNamespace(namespace, 'nft', ...args), { input, stdio: ['pipe', 'ignore', 'pipe'] });
    };
    const { startEtcd, stopEtcd, startApiserver, stopApiserver } = servers;
    return {
      parts,
      watcher: network.watcher,
      bastion,
      nodes,
      user: account.name,
      keyFile: fleet.key('ed25519'),
      ca: authorities.kubernetes.cert,
      faults: {
        startEtcd,
        stopEtcd,
        startApiserver,
        stopApiserver,
        hideBehindFirewall: (node) => nft(node, ['-f', '-'], HIDING),
        openFirewall: (node) => nft(node, ['delete', 'table', 'inet', 'hiding']),
        async shortenCertificate(node, name, leftMs) {
          const { host, files } = nodeOf(node);
          const notAfter = new Date(Date.now() + leftMs);
          const lifetime = { notBefore: new Date(notAfter.getTime() - YEAR_MS), notAfter };
          await writeCertificate(files, name, { name: node, host }, authorities, lifetime);
        },
        growDatabase(bytesPerSecond) {
          const growth = growDatabase(servers.put, bytesPerSecond);
          opened.push(growth);
          return growth;
        },
      },
      ask: inside.ask,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function makeAccount(dir: string): Account {
  const home = join(dir, 'home');
  mkdirSync(home, { mode: 0o755 });
  chownSync(home, ACCOUNT.uid, NOGROUP);
  return { ...ACCOUNT, home };
}
