// etcd and kube-apiserver of every node, each a process in the node's network namespace.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from '../../examples/openssh/network.ts';
import type { Access } from '../../test/kube/apiserver.ts';
import type { AskOptions } from '../../test/kube/ask.ts';
import { type Daemon, startDaemon, waitForReady } from '../../test/kube/daemon.ts';
import { putValue } from '../../test/kube/etcd.ts';
import type { Parts } from '../../test/kube/parts.ts';
import { until } from '../../test/until.ts';
import type { Inside } from './inside.ts';
import { apiserverFlags, etcdFlags, type Member, PORTS } from './members.ts';
import type { Authorities } from './node-files.ts';

export interface NodeServers {
  /** Starts all of them. Resolves when every member is healthy and every API server ready. */
  startAll(): Promise<void>;
  /** Resolves when the member is healthy. */
  startEtcd(node: string): Promise<void>;
  stopEtcd(node: string): Promise<void>;
  /** Resolves when it is ready. Ends the one that runs. */
  startApiserver(node: string, access?: Access): Promise<void>;
  stopApiserver(node: string): Promise<void>;
  /** Writes into etcd. @throws Error with etcd's message when it refuses */
  put(key: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export interface NamespaceMember extends Member {
  namespace: string;
}

const LISTENS_WITHIN_MS = 60_000;
/** Three of them at once on two cores. */
const READY_WITHIN_MS = 180_000;

export function createNodeServers(options: {
  parts: Parts;
  /** Folder for data and logs. */
  dir: string;
  members: readonly NamespaceMember[];
  authorities: Authorities;
  quotaBytes?: number | undefined;
  /** Reaches every node. */
  inside: Inside;
}): NodeServers {
  const { parts, dir, members, authorities, quotaBytes, inside } = options;
  const etcds = new Map<string, Daemon>();
  const apiservers = new Map<string, Daemon>();
  mkdirSync(dir, { recursive: true });

  const memberOf = (name: string) => {
    const member = members.find((each) => each.name === name);
    if (!member) throw new Error(`no node ${name}; there are ${members.map((each) => each.name).join(', ')}`);
    return member;
  };
  const fileOf = (member: Member, name: string) => readFileSync(join(member.files, 'pki', name), 'utf8');
  const etcdUrl = ({ host }: Member) => `https://${host}:${PORTS.etcdClient}`;
  const etcdAccess = (member: Member): AskOptions => ({
    ca: authorities.etcd.cert,
    client: {
      cert: fileOf(member, 'etcd/healthcheck-client.crt'),
      key: fileOf(member, 'etcd/healthcheck-client.key'),
    },
  });
  const askEtcd = (member: Member, path: string, more: AskOptions = {}) =>
    inside.ask(etcdUrl(member) + path, { ...etcdAccess(member), ...more });

  async function launchEtcd(member: NamespaceMember): Promise<void> {
    const flags = etcdFlags(member, members, join(dir, `etcd-${member.name}`), quotaBytes);
    const command = inNamespace(member.namespace, parts.etcd, ...flags);
    const daemon = startDaemon([command[0], ...command[1]], join(dir, `etcd-${member.name}.log`));
    etcds.set(member.name, daemon);
    const listens = async () => (await askEtcd(member, '/version')).status > 0;
    await waitForReady(`etcd of ${member.name}`, daemon, LISTENS_WITHIN_MS, listens);
  }

  const waitForHealth = (member: Member) =>
    until(`etcd of ${member.name} is healthy`, async () => {
      const answer = await askEtcd(member, '/health').catch(() => undefined);
      return answer?.status === 200;
    });

  async function startApiserver(member: NamespaceMember, access: Access): Promise<void> {
    await apiservers.get(member.name)?.stop();
    const write = (text: string) => {
      const file = join(dir, `authentication-${member.name}.yaml`);
      writeFileSync(file, text);
      return file;
    };
    const flags = apiserverFlags(member, access, write);
    const command = inNamespace(member.namespace, ...parts.apiserver, ...flags);
    const name = `apiserver-${member.name}`;
    // It makes a folder for a certificate of its own where it is.
    const daemon = startDaemon([command[0], ...command[1]], join(dir, `${name}.log`), dir);
    apiservers.set(member.name, daemon);
    const client = await authorities.kubernetes.issue({
      commonName: 'readiness of the test',
      organization: 'system:masters',
      use: 'client',
    });
    const url = `https://${member.host}:${PORTS.apiserver}/readyz`;
    await waitForReady(name, daemon, READY_WITHIN_MS, async () => {
      const { status } = await inside.ask(url, { ca: authorities.kubernetes.cert, client });
      return status === 200;
    });
  }

  return {
    async startAll() {
      await Promise.all(members.map(launchEtcd));
      await Promise.all(members.map(waitForHealth));
      await Promise.all(members.map((member) => startApiserver(member, 'open')));
    },
    async startEtcd(node) {
      const member = memberOf(node);
      await etcds.get(node)?.stop();
      await launchEtcd(member);
      await waitForHealth(member);
    },
    stopEtcd: async (node) => etcds.get(memberOf(node).name)?.stop(),
    startApiserver: (node, access = 'open') => startApiserver(memberOf(node), access),
    stopApiserver: async (node) => apiservers.get(memberOf(node).name)?.stop(),
    async put(key, value) {
      const running = members.find(({ name }) => etcds.get(name)?.exit() === undefined);
      if (!running) throw new Error('no member of etcd runs');
      await putValue((path, options) => askEtcd(running, path, options), key, value);
    },
    async stop() {
      await Promise.all([...apiservers.values(), ...etcds.values()].map((daemon) => daemon.stop()));
    },
  };
}
