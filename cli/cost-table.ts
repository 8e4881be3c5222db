import { formatValue } from '../core/format.ts';
import type { Cost } from '../core/model/cost.ts';
import { renderTable } from './table.ts';

const HEAD = [
  'CLUSTER',
  'NODE',
  'CHECK',
  'NODE: SSHD',
  'COMMANDS',
  'TO NODE',
  'FROM NODE',
  'SENT',
  'RECEIVED',
  'OUR CPU',
];
const UNKNOWN = '?';
/** The system shows user and system time of ended processes in whole hundredths of a second each: ten runs share the error. */
const LEAST_COMMANDS_MS = 2;

/** What a run of each check costs, then a line for each cost that is unknown. */
export function costTable(costs: readonly Cost[]): string {
  if (costs.length === 0) return 'no check worked, so no cost was measured\n';
  const bytes = (count: number) => formatValue(count, 'bytes');
  const rows = costs.map((cost) => {
    const { node, wire } = cost;
    const traffic = [node.sentBytes, node.receivedBytes, wire.sentBytes, wire.receivedBytes].map(bytes);
    return [
      cost.target.cluster,
      cost.target.node,
      nameOf(cost),
      ...cpuTexts(cost),
      ...traffic,
      time(cost.ownCpuMs),
    ];
  });
  const unknown = costs.flatMap((cost) => {
    const { cluster, node } = cost.target;
    const name = `${cluster}/${node}, ${nameOf(cost)}`;
    return cost.nodeCpu.isKnown ? [] : [`${name}: CPU of the node is unknown: ${cost.nodeCpu.why}\n`];
  });
  return `${renderTable(HEAD, rows, [3, 4, 5, 6, 7, 8, 9])}${unknown.join('')}`;
}

const time = (ms: number) => formatValue(ms / 1_000, 'seconds');

function cpuTexts({ check, nodeCpu }: Cost): string[] {
  if (!nodeCpu.isKnown) return [UNKNOWN, UNKNOWN];
  const { sshdMs, commandsMs, isLeast } = nodeCpu;
  if (check === undefined) return [`${isLeast ? 'at least ' : ''}${time(sshdMs)}`, '–'];
  return [time(sshdMs), commandsMs < LEAST_COMMANDS_MS ? `< ${time(LEAST_COMMANDS_MS)}` : time(commandsMs)];
}

function nameOf({ check }: Cost): string {
  return check ?? '(login)';
}
