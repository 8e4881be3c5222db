// Metrics of the checks, by what measures them. `core/catalogue.ts` joins the lists.

export type Unit =
  | 'percent'
  | 'seconds'
  | 'bytes'
  | 'bytes_per_second'
  | 'count'
  | 'ratio'
  | 'bool'
  /** 1,000,000 × major + 1,000 × minor + patch: 1.37.2 is 1037002. */
  | 'version';

/** Label names of a group's series. */
export const GROUP_LABELS = {
  node: ['cluster', 'node', 'role'],
  mount: ['cluster', 'node', 'role', 'mount', 'device'],
  interface: ['cluster', 'node', 'role', 'device'],
  disk: ['cluster', 'node', 'role', 'device'],
  bastion: ['bastion', 'batch'],
  way: ['cluster', 'node', 'role', 'bastion'],
  check: ['cluster', 'node', 'role', 'check'],
  apiserver: ['cluster', 'node', 'role'],
  health_check: ['cluster', 'node', 'role', 'name'],
  phase: ['cluster', 'node', 'role', 'phase'],
  etcd: ['cluster', 'node', 'role'],
  component: ['cluster', 'node', 'role'],
  file: ['cluster', 'node', 'role', 'file'],
  served: ['cluster', 'node', 'role', 'port'],
  endpoint: ['cluster', 'node', 'role', 'check'],
  value: ['cluster', 'node', 'role', 'check', 'name'],
  coverage: ['reason'],
  source: ['source'],
} as const;

export interface Metric {
  name: string;
  title: string;
  unit: Unit;
  help: string;
  /** Metrics that share a group share their label names; a store may keep them in one row. */
  group: keyof typeof GROUP_LABELS;
  /** Kinds of checks that measure it. Absent: the program itself writes it for each batch, node or check. */
  probes?: readonly string[];
  /** What 0 and 1 are called, where "no" and "yes" would be a riddle. */
  states?: readonly [string, string];
  /** May be below zero. */
  isSigned?: true;
  /** Only grows, but for new starts from zero. */
  isCounter?: true;
}

/** Makes the metrics of one group that the same checks measure: name, title, unit, help, and what else there is. */
export function metricsOf(
  group: Metric['group'],
  probes: readonly string[] | undefined,
  list: readonly (readonly [
    name: string,
    title: string,
    unit: Unit,
    help: string,
    more?: Pick<Metric, 'states' | 'isSigned' | 'isCounter'>,
  ])[],
): Metric[] {
  return list.map(([name, title, unit, help, more]) => ({
    name,
    title,
    unit,
    help,
    group,
    ...(probes && { probes }),
    ...more,
  }));
}

export const DOWN_UP = { states: ['down', 'up'] } as const;
