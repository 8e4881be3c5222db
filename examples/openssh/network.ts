// A network of namespaces: who watches, one or two bastions with two legs each, and nodes behind them whose firewall
// admits the bastions' addresses alone. Needs root, iproute2, nftables, Python 3 and /dev/net/tun; touches nothing outside.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface NetworkNode {
  name: string;
  namespace: string;
  host: string;
}

export interface LinkFaults {
  /** Each packet waits so long, each way. */
  delayMs: number;
  /** Share of packets that are lost, 0 to 1. With 1 the link swallows all and says nothing. */
  loss: number;
}

/** Packets of one direction that a bastion loses, on its leg towards the watcher (outer) or the nodes (inner). */
export type Cut = 'outer in' | 'outer out' | 'inner in' | 'inner out';

/** `host` is the leg towards the watcher, `inside` the one towards the nodes. */
export interface NetworkBastion {
  namespace: string;
  host: string;
  inside: string;
}

export interface Network {
  /** Every namespace of the network starts with it, and no other does. */
  prefix: string;
  watcher: { namespace: string };
  bastion: NetworkBastion;
  /** On links of its own. Absent unless the network was made with it. */
  secondBastion?: NetworkBastion;
  nodes: readonly NetworkNode[];
  setLink(link: keyof typeof LINKS, faults: LinkFaults): void;
  /** Replaces what a bastion loses. */
  setCuts(bastion: NetworkBastion, cuts: readonly Cut[]): void;
  /** Packets that opened connections to a node, by source: that its firewall let in, and that it dropped. */
  countNew(node: NetworkNode): { admitted: Record<string, number>; dropped: Record<string, number> };
  /** Ends all that runs in the namespaces, and the namespaces. Happens too when this process dies. */
  stop(): Promise<void>;
}

const LINKS = { watcher: 0, nodes: 1 } as const;
const FIRST = { watcher: '10.77.0.1', host: '10.77.0.2', inside: '10.77.1.1', router: '10.77.1.2' };
const SECOND = { watcher: '10.77.0.5', host: '10.77.0.6', inside: '10.77.3.1', router: '10.77.3.2' };
/** Address of the router in the network of the nodes. It routes between that and the inner legs of the bastions. */
const ROUTER = '10.77.2.1';
/** The network of the nodes. */
export const NODES = '10.77.2.0/24';
const MAX_NODES = 200;
const LINKS_PROGRAM = fileURLToPath(new URL('links.py', import.meta.url));

/** Waits until this process ends or says so, however that comes, then removes what starts with the prefix. */
const GUARD = `cat >/dev/null
for place in "/run/netns/$0"*; do
  name=\${place##*/}
  for pid in $(ip netns pids "$name"); do kill -9 "$pid"; done
  ip netns delete "$name"
done`;

/**
 * The second chain sees what the first has let through: what is counted as admitted is what the firewall does, not
 * what it was meant to do.
 */
const firewall = (ports: readonly number[], peers: boolean) => `table inet firewall {
  set admitted { type ipv4_addr; flags dynamic; size 1024; counter; }
  set dropped { type ipv4_addr; flags dynamic; size 1024; counter; }
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    ip saddr { ${FIRST.inside}, ${SECOND.inside} } tcp dport { ${ports.join(', ')} } accept
    ${peers ? `ip saddr ${NODES} accept` : ''}
    update @dropped { ip saddr }
  }
  chain admitted {
    type filter hook input priority 10; policy accept;
    iifname != "lo" ct state new update @admitted { ip saddr }
  }
}
`;

/** Replaces the table of an earlier call. */
function cutsTable(cuts: readonly Cut[]): string {
  const drops = (direction: 'in' | 'out', match: string) =>
    (['outer', 'inner'] as const)
      .filter((leg) => cuts.includes(`${leg} ${direction}`))
      .map((leg) => `${match} "${leg}*" counter drop`)
      .join('\n');
  return `table inet cuts {}
delete table inet cuts
table inet cuts {
  chain input { type filter hook input priority 0; policy accept; ${drops('in', 'iifname')}
  }
  chain output { type filter hook output priority 0; policy accept; ${drops('out', 'oifname')}
  }
}
`;
}

/** The command that runs a program in a namespace. */
export function inNamespace(namespace: string, ...command: readonly string[]): [string, string[]] {
  return ['ip', ['netns', 'exec', namespace, ...command]];
}

/** What stands before a command in a namespace that is to find another resolv.conf; the mount is its own. */
export function withResolvConf(file: string): string[] {
  return ['sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file];
}

export interface NetworkOptions {
  /** Decides which packets are lost. */
  seed?: number;
  /** Ports of the nodes that the bastion may connect to. Default: 22. */
  ports?: readonly number[];
  /** Whether nodes may connect to each other. */
  peers?: boolean;
  /** Whether there are two bastions. */
  second?: boolean;
}

/** @throws Error when something that the network needs is missing */
export async function createNetwork(
  names: readonly string[],
  { seed = 1, ports = [22], peers = false, second = false }: NetworkOptions = {},
): Promise<Network> {
  if (names.length > MAX_NODES) throw new Error(`more than ${MAX_NODES} nodes`);
  const prefix = `bartizan-${process.pid}-${randomBytes(3).toString('hex')}-`;
  // In a session of its own: a ^C in the terminal must not end it before its work begins.
  const guard = spawn('sh', ['-c', GUARD, prefix], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const [watcher, bastion, router, secondBastion] = ['watcher', 'bastion', 'router', 'second'].map(
    (name) => prefix + name,
  ) as [string, string, string, string];
  const nodes = names.map((name, i) => ({ name, namespace: `${prefix}n${i}`, host: `10.77.2.${10 + i}` }));
  let links: Links | undefined;
  const stop = async () => {
    links?.end();
    if (guard.exitCode !== null) return;
    const ended = once(guard, 'exit');
    guard.stdin?.end();
    await ended;
  };

  try {
    const bastions = second ? [bastion, secondBastion] : [bastion];
    for (const namespace of [watcher, router, ...bastions, ...nodes.map((node) => node.namespace)]) {
      execFileSync('ip', ['netns', 'add', namespace]);
      configure(namespace, ['link set lo up']);
    }
    const devices = bastions.map((name, i) => ({ name, outer: `outer${i}`, inner: `inner${i}` }));
    const ends = devices.flatMap(({ name, outer, inner }) => [watcher, name, outer, name, router, inner]);
    links = await startLinks([String(seed), ...ends]);
    for (const [i, { name, outer, inner }] of devices.entries()) {
      const own = i === 0 ? FIRST : SECOND;
      configure(watcher, pointToPoint(outer, own.watcher, own.host));
      configure(name, [
        ...pointToPoint(outer, own.host, own.watcher),
        ...pointToPoint(inner, own.inside, own.router),
        `route add ${NODES} via ${own.router}`,
      ]);
      configure(router, pointToPoint(inner, own.router, own.inside));
    }
    configure(watcher, [`route add default via ${FIRST.host}`]);
    configure(router, [
      'link add nodes type bridge',
      `address add ${ROUTER}/24 dev nodes`,
      'link set nodes up',
      `route add default via ${FIRST.inside}`,
    ]);
    // The way from the watcher to the nodes is open: only their own firewall keeps it out.
    for (const namespace of [router, ...bastions]) {
      execFileSync(...inNamespace(namespace, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward'));
    }
    for (const [i, { namespace, host }] of nodes.entries()) {
      configure(router, [
        `link add n${i} type veth peer name eth0 netns ${namespace}`,
        `link set n${i} master nodes up`,
      ]);
      configure(namespace, [
        `address add ${host}/24 dev eth0`,
        'link set eth0 up',
        `route add default via ${ROUTER}`,
      ]);
      execFileSync(...inNamespace(namespace, 'nft', '-f', '-'), {
        input: firewall(ports, peers),
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    prefix,
    watcher: { namespace: watcher },
    bastion: { namespace: bastion, host: FIRST.host, inside: FIRST.inside },
    ...(second && {
      secondBastion: { namespace: secondBastion, host: SECOND.host, inside: SECOND.inside },
    }),
    nodes,
    setLink: links.set,
    setCuts: ({ namespace }, cuts) => {
      execFileSync(...inNamespace(namespace, 'nft', '-f', '-'), { input: cutsTable(cuts) });
    },
    countNew: ({ namespace }) => ({
      admitted: readSet(namespace, 'admitted'),
      dropped: readSet(namespace, 'dropped'),
    }),
    stop,
  };
}

/** One `ip` for several of its commands. */
function configure(namespace: string, commands: readonly string[]): void {
  execFileSync('ip', ['-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

function pointToPoint(device: string, own: string, peer: string): string[] {
  return [`address add ${own} peer ${peer} dev ${device}`, `link set ${device} up`];
}

interface Links {
  set: Network['setLink'];
  end(): void;
}

async function startLinks(args: readonly string[]): Promise<Links> {
  const child = spawn('python3', [LINKS_PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  // A link that ended with its namespaces takes no more commands.
  stdin.on('error', () => {});
  const [printed] = await Promise.race([once(stdout, 'data'), once(child, 'exit')]);
  if (!Buffer.isBuffer(printed))
    throw new Error(`the links between the namespaces ended with code ${printed}`);
  return {
    set: (link, { delayMs, loss }) => void stdin.write(`${LINKS[link]} ${delayMs} ${loss}\n`),
    end: () => void stdin.end(),
  };
}

interface SetElement {
  elem: { val: string; counter: { packets: number } };
}

function readSet(namespace: string, name: string): Record<string, number> {
  const text = execFileSync(...inNamespace(namespace, 'nft', '-j', 'list', 'set', 'inet', 'firewall', name));
  const { nftables } = JSON.parse(text.toString()) as { nftables: { set?: { elem?: SetElement[] } }[] };
  const elements = nftables.flatMap(({ set }) => set?.elem ?? []);
  return Object.fromEntries(elements.map(({ elem }) => [elem.val, elem.counter.packets]));
}
