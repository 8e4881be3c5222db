import type { Check } from '../../core/model/check.ts';
import type { CommandConfig } from '../../core/model/command.ts';
import type { Target } from '../../core/model/target.ts';
import { checkOptions } from '../../core/registry.ts';
import { isSelected } from '../../core/selection.ts';
import type { Script } from '../ssh/command.ts';
import { commandScript } from './command/script.ts';
import { costScript } from './cost/cost-script.ts';
import { PROBES } from './registry.ts';

interface HostPort {
  host: string;
  port: number;
  /** No check needs an answer there. */
  optional?: true;
}

/** What the checks of some nodes need of servers. The lines that `bartizan keys` prints permit no more. */
export interface Needs {
  /** Scripts that nodes must run: those of every release's catalogue, and those whose text the configuration decides. */
  scripts: readonly Pick<Script, 'name' | 'sha256'>[];
  /** Where the bastion must connect to, beside the SSH ports of the nodes. */
  fromBastion: readonly HostPort[];
  /** Where a node must connect to, mostly on its loopback address. */
  fromNode: readonly HostPort[];
}

const LOOPBACK = '127.0.0.1';

/** Whether people may run a command of the catalogue on a node. */
function isPermitted({ where }: CommandConfig, { cluster, node, role }: Target): boolean {
  return isSelected({ where }, { cluster, node, role });
}

/** What the checks that select any of these nodes need, and which of the catalogue's commands people may run there. */
export function needsOf(
  checks: readonly Check[],
  targets: readonly Target[],
  commands: readonly CommandConfig[] = [],
): Needs {
  const scripts = new Map<string, Pick<Script, 'name' | 'sha256'>>();
  for (const script of [...PROBES.flatMap((probe) => probe.catalogue), costScript])
    scripts.set(script.sha256, script);
  const fromBastion = new Map<string, HostPort>();
  const fromNode = new Map<string, HostPort>();
  for (const command of commands) {
    const script = commandScript(command);
    if (targets.some((target) => isPermitted(command, target))) scripts.set(script.sha256, script);
  }
  for (const check of checks) {
    const { where, whereNot } = check;
    const probe = PROBES.find((candidate) => candidate.type === check.probe);
    const mine = targets.filter(({ cluster, node, role }) =>
      isSelected({ where, ...(whereNot && { whereNot }) }, { cluster, node, role }),
    );
    if (!probe || mine.length === 0) continue;
    const options = checkOptions(probe, check);
    if (!options) continue;
    for (const script of probe.scriptsFor(options)) scripts.set(script.sha256, script);
    for (const { via, host, port, optional = false } of probe.endpointsFor(options)) {
      const into = via === 'bastion' ? fromBastion : fromNode;
      for (const hop of via === 'bastion' && host === undefined ? mine.map((target) => target.host) : [host])
        addPort(into, { host: hop ?? LOOPBACK, port, ...(optional && { optional }) });
    }
  }
  return {
    scripts: [...scripts.values()],
    fromBastion: [...fromBastion.values()],
    fromNode: [...fromNode.values()],
  };
}

function addPort(into: Map<string, HostPort>, { host, port, optional }: HostPort): void {
  const key = `${host} ${port}`;
  const before = into.get(key);
  const isOptional = optional === true && (before === undefined || before.optional === true);
  into.set(key, { host, port, ...(isOptional && { optional: true }) });
}

/** The scripts that this release may run with this configuration, for signing: whatever the nodes are. */
export function scriptsToSign(checks: readonly Check[], commands: readonly CommandConfig[] = []): Script[] {
  const scripts = new Map<string, Script>();
  const add = (script: Script) => scripts.set(script.sha256, script);
  PROBES.flatMap((probe) => probe.catalogue)
    .filter(hasText)
    .forEach(add);
  commands.map(commandScript).forEach(add);
  for (const check of checks) {
    const probe = PROBES.find((candidate) => candidate.type === check.probe);
    const options = probe && checkOptions(probe, check);
    if (options) probe.scriptsFor(options).forEach(add);
  }
  return [...scripts.values()];
}

/** The catalogue has no texts of the previous release, only hashes. */
function hasText(script: Pick<Script, 'name' | 'sha256'>): script is Script {
  return 'text' in script;
}
