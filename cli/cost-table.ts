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

/** What a run of each check costs, then a line for each cost that is unknown. */
export function costTable(costs: readonly Cost[]): string {
  if (costs.length === 0) return 'no check worked, so no cost was measured\n';
  const time = (ms: number) => formatValue(ms / 1_000, 'seconds');
  const bytes = (count: number) => formatValue(count, 'bytes');
  const rows = costs.map((cost) => {
    const { nodeCpu, node, wire } = cost;
    const cpu = nodeCpu.isKnown ? [time(nodeCpu.sshdMs), time(nodeCpu.commandsMs)] : [UNKNOWN, UNKNOWN];
    const traffic = [node.sentBytes, node.receivedBytes, wire.sentBytes, wire.receivedBytes].map(bytes);
    return [cost.target.cluster, cost.target.node, nameOf(cost), ...cpu, ...traffic, time(cost.ownCpuMs)];
  });
  const unknown = costs.flatMap((cost) => {
    const { cluster, node } = cost.target;
    const name = `${cluster}/${node}, ${nameOf(cost)}`;
    return cost.nodeCpu.isKnown ? [] : [`${name}: CPU of the node is unknown: ${cost.nodeCpu.why}\n`];
  });
  return `${renderTable(HEAD, rows, [3, 4, 5, 6, 7, 8, 9])}${unknown.join('')}`;
}

function nameOf({ check }: Cost): string {
  return check ?? '(login)';
}
