// Tries whether our keys have more rights than probing needs, for `check --connect`.

import { join } from 'node:path';
import { needsOf } from '../adapters/probes/needs.ts';
import type { Attempt, Capability } from '../adapters/ssh/confinement.ts';
import { type BastionScan, type ConfinementScan, scanConfinement } from '../adapters/ssh/confinement-scan.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import { namesOfHost, namesOfNode } from '../adapters/ssh/known-hosts-names.ts';
import type { LoginKey } from '../adapters/ssh/login-key.ts';
import type { Service } from '../adapters/ssh/service-scan.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import { bastionsOf } from '../core/plan/ways.ts';
import type { Audit } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf } from './actor.ts';
import { createAuditRecorder } from './audit-recorder.ts';
import type { ConnectRow } from './connect-row.ts';
import { withServices } from './service-check.ts';
import { createSpinner } from './spinner.ts';

const LABELS: Record<Capability, string> = {
  command: 'commands',
  shell: 'a shell',
  sftp: 'sftp',
  terminal: 'a terminal',
  agent: 'agent forwarding',
  x11: 'X11 forwarding',
  environment: 'environment variables (AcceptEnv)',
  connect: 'connections to other hosts or ports (-L)',
  listen: 'listening ports (-R)',
  'socket-connect': 'connections to Unix sockets (-L)',
  'socket-listen': 'listening Unix sockets (-R)',
  tunnel: 'tunnel devices (-w)',
};

/** Rights that the line of a key removes; sshd_config must remove the others. */
const CLOSED_BY_LINE: readonly Capability[] = [
  'command',
  'shell',
  'sftp',
  'terminal',
  'agent',
  'x11',
  'connect',
  'listen',
  'socket-connect',
];
/** Also tried on nodes, which need no forwarding. */
const CLOSED_BY_NODE_LINE: readonly Capability[] = ['socket-listen'];

interface Options {
  config: Pick<Config, 'bastions' | 'clusters' | 'checks' | 'store' | 'audit'>;
  keys: { bastions: ReadonlyMap<string, LoginKey>; clusters: ReadonlyMap<string, LoginKey> };
  targets: readonly Target[];
  /** The rows of bastions and nodes. */
  fleet: readonly ConnectRow[];
  /** Names of the nodes where the login succeeded; another check may have failed there. */
  lettingUsIn: ReadonlySet<string>;
  quiet: boolean;
}

/**
 * Adds the rights of our keys to the rows of hosts where the login succeeded.
 * @throws ConfigError when the audit cannot be written
 */
export async function confinedRows(options: Options): Promise<ConnectRow[]> {
  const { fleet, targets } = options;
  const reached = fleet.filter(({ kind, state }) => kind === 'bastion' && state === 'ok');
  const bastions = new Set(reached.map(({ name }) => name));
  if (bastions.size === 0) return [...fleet];
  const lettingUsIn = targets.filter((target) => options.lettingUsIn.has(nameOf(target)));
  const tried = await withAccessAudit(options.config, (audit) =>
    tryConfinement(options, bastions, lettingUsIn, audit),
  );
  const byName = new Map(lettingUsIn.map((target) => [nameOf(target), target]));
  return fleet.map((row) => {
    if (row.kind === 'bastion') return withConfinement(row, tried.bastions.get(row.name));
    const target = row.kind === 'node' ? byName.get(row.name) : undefined;
    if (!target) return row;
    const attempts = tried.nodes.get(target);
    const confined = withConfinement(row, attempts);
    const cluster = options.config.clusters.find(({ name }) => name === target.cluster);
    return withServices(confined, tried.services.get(target) ?? [], {
      user: target.user,
      forwardsSockets: attempts?.some(forwardsSockets) === true,
      acceptsRoot: cluster?.acceptsRootByForwarding === true,
    });
  });
}

/**
 * Whether sshd forwards Unix sockets for our key. A listening one of ours shows that as well, also where none of the sockets
 * that we try exists: the same keyword of sshd_config controls both.
 */
function forwardsSockets({ capability, outcome }: Attempt): boolean {
  return (capability === 'socket-connect' || capability === 'socket-listen') && outcome === 'open';
}

function servicesOf(checks: Config['checks'], target: Target): Service[] {
  const { fromBastion, fromNode } = needsOf(checks, [target]);
  return [
    ...fromBastion.map((to) => ({ via: 'bastion' as const, ...to })),
    ...fromNode.map((to) => ({ via: 'node' as const, ...to })),
  ];
}

function nameOf({ cluster, node }: Target): string {
  return `${cluster}/${node}`;
}

/** Writes each login and attempt into the audit when it ends. */
async function tryConfinement(
  { config, keys, targets, quiet }: Options,
  bastions: ReadonlySet<string>,
  reached: readonly Target[],
  audit: Audit,
): Promise<ConfinementScan> {
  const { record, written } = createAuditRecorder(audit);
  const spinner = createSpinner({ quiet });
  spinner.start('checking the rights of our keys');
  try {
    const pinned = await createPinnedKeys(join(config.store.path, 'known_hosts')).load();
    const scans: BastionScan[] = [];
    for (const bastion of config.bastions) {
      const key = keys.bastions.get(bastion.name);
      if (!key || !bastions.has(bastion.name)) continue;
      const nodes: BastionScan['nodes'][number][] = [];
      for (const target of reached) {
        const nodeKey = keys.clusters.get(target.cluster);
        if (!nodeKey || target.bastion !== bastion.name) continue;
        const keysOfNode = await pinned(target.hostKeys, namesOfNode(target));
        nodes.push({ target, key: nodeKey, pinned: keysOfNode, services: servicesOf(config.checks, target) });
      }
      const mine = targets.filter((target) => bastionsOf(target).includes(bastion.name));
      const permitted = [...mine, ...needsOf(config.checks, mine).fromBastion];
      const keysOfBastion = await pinned(bastion.hostKeys, namesOfHost(bastion));
      scans.push({ bastion, key, pinned: keysOfBastion, nodes, permitted });
    }
    return await scanConfinement({
      scans,
      audit: record,
      ...actorOf(),
      nowMs: systemClock.nowMs,
    });
  } finally {
    spinner.stop();
    await written();
  }
}

/** Adds the rights of our key to the row of a host: a warning when they are more than probing needs. */
function withConfinement(row: ConnectRow, attempts: readonly Attempt[] | undefined): ConnectRow {
  if (!attempts) return row;
  const open = waysOf(attempts, 'open');
  const unanswered = waysOf(attempts, 'unanswered');
  const details = [row.detail];
  if (open.length > 0) details.push(`our key may do more than probing needs: ${describe(open)}`);
  if (unanswered.length > 0) details.push(`unknown whether our key may have: ${describe(unanswered)}`);
  const advice = [row.advice, open.length > 0 ? adviceFor(row.kind, open) : undefined];
  const combined = advice.filter((text) => text !== undefined).join('; ');
  return {
    ...row,
    state: open.length > 0 && row.state !== 'failed' ? 'warning' : row.state,
    detail: details.join('; '),
    ...(combined !== '' && { advice: combined }),
    open,
    unanswered,
  };
}

function adviceFor(hop: ConnectRow['kind'], open: readonly Capability[]): string {
  const closedByLine = hop === 'bastion' ? CLOSED_BY_LINE : [...CLOSED_BY_LINE, ...CLOSED_BY_NODE_LINE];
  const parts = [
    open.some((way) => closedByLine.includes(way)) ? 'the line' : '',
    open.some((way) => !closedByLine.includes(way)) ? 'the block of sshd_config' : '',
  ].filter((part) => part !== '');
  const narrow =
    hop === 'node' && open.includes('environment') ? '; AcceptEnv must be narrow there (LANG LC_*)' : '';
  return `confine our key: put ${parts.join(' and ')} that \`bartizan keys\` prints in place on the ${hop} (docs/keys.md)${narrow}`;
}

function waysOf(attempts: readonly Attempt[], outcome: Attempt['outcome']): Capability[] {
  return attempts.filter((attempt) => attempt.outcome === outcome).map(({ capability: way }) => way);
}

function describe(ways: readonly Capability[]): string {
  return ways.map((way) => LABELS[way]).join(', ');
}
