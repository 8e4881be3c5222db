import { findReferences } from './secret-text.ts';
import type { Config } from './types.ts';

/**
 * What a configuration asks of the machine it runs on, and functions on AWS have not: a line each. Whether it was deployed
 * or only uploaded makes no difference to them.
 */
export function awsProblems(config: Config): string[] {
  return [
    ...storeProblems(config),
    ...config.bastions.flatMap(({ name, agent, hostKeys }) => [
      ...(agent === undefined ? [] : [noAgent(`bastions ${name}`)]),
      ...(hostKeys.length > 0 ? [] : [unpinned(`bastions ${name}`)]),
    ]),
    ...config.clusters.flatMap(clusterProblems),
    ...referenceProblems(config),
  ];
}

/** References of any kind in texts, however deep they lie. */
export function referencesIn(value: unknown): ReturnType<typeof findReferences> {
  if (typeof value === 'string') return findReferences(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}

function storeProblems({ store }: Config): string[] {
  if (store.type !== 'sqlite') return [];
  return [
    'store.type: `sqlite` is a file, and functions share none; write `prometheus` with the address of a workspace of Amazon Managed Prometheus',
  ];
}

function clusterProblems({ name, agent, nodes }: Config['clusters'][number]): string[] {
  const at = `clusters ${name}`;
  const open = nodes.filter(({ hostKeys }) => hostKeys.length === 0).map((node) => node.name);
  const more = open.length > 3 ? ` and ${open.length - 3} more` : '';
  return [
    ...(agent === undefined ? [] : [noAgent(at)]),
    ...(open.length > 0 ? [unpinned(`${at}, ${open.slice(0, 3).join(', ')}${more}`)] : []),
  ];
}

function noAgent(at: string): string {
  return `${at}: there is no ssh-agent on AWS; write \`privateKey\` instead`;
}

/** At every round it would be refused as unknown. */
function unpinned(at: string): string {
  return `${at}: no host key is pinned, and what \`bartizan trust\` learned is a file of this machine; write \`hostKeys\``;
}

function referenceProblems(config: Config): string[] {
  const { bastions, clusters, store, channels, server } = config;
  const all = referencesIn([bastions, clusters, store.options, channels, server.heartbeat]);
  const local = all.filter(({ kind }) => kind !== 'ssm').map(({ text }) => text);
  return [...new Set(local)].map(
    (text) =>
      `${text} is unknown to a function; put the value into a parameter and write \`\${ssm:/bartizan/…}\``,
  );
}
