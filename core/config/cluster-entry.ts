import { clusterOf } from './assemble.ts';
import { readDraft } from './draft.ts';
import { fieldAt } from './fields.ts';
import { inspect } from './inspect.ts';
import { configJsonSchema } from './json-schema.ts';
import { duplicateNames } from './names.ts';
import { choose, type Finding, formatPath } from './problem.ts';
import type { BastionConfig, ClusterConfig } from './types.ts';
import { readYaml } from './yaml-file.ts';
import { blankTree, dataOf, type Tree } from './yaml-tree.ts';

/** Nothing of a cluster depends on what is registered. */
const NO_KINDS = { probes: [], channels: [], stores: [], inventories: [] };
/** What is told of one entry; more would say it again. */
const MOST_TOLD = 3;

/**
 * One cluster as JSON or YAML, in the shape of an element of `clusters`, judged as strictly. `problem`, in one line,
 * holds no secret.
 */
export function parseCluster(
  text: string,
  bastions: readonly BastionConfig[],
): { cluster: ClusterConfig } | { problem: string } {
  const { tree, findings: syntax } = readYaml(text);
  const [broken] = syntax;
  if (broken) return { problem: `not JSON or YAML: ${broken.message}` };
  if (!tree) return { problem: 'it is empty' };

  const file = fileWith(tree);
  const schema = configJsonSchema(NO_KINDS);
  const inspected = inspect(file, schema).findings;
  const read: Finding[] = [];
  const draft = readDraft(dataOf(file), NO_KINDS, (path) => fieldAt(schema, file, path), read);
  const errors = [...inspected, ...read, ...duplicateNames(draft)].filter(
    ({ path, severity }) => path[0] === 'clusters' && severity === 'error',
  );
  if (errors.length > 0) {
    const told = errors.slice(0, MOST_TOLD).map(textOf).join('; ');
    return { problem: errors.length > MOST_TOLD ? `${told}; and more` : told };
  }
  const [item] = draft.clusters;
  if (!item?.value) return { problem: 'it is no mapping' };
  const { bastion } = item.value;
  const names = bastions.map(({ name }) => name);
  if (!names.includes(bastion)) {
    return {
      problem: `bastion: there is no bastion \`${bastion}\` (${choose(bastion, names, 'there are')})`,
    };
  }
  return { cluster: clusterOf(item, bastions) };
}

/** A file that holds nothing but this cluster. */
function fileWith(cluster: Tree): Tree {
  const list: Tree = { ...blankTree(cluster), kind: 'list', items: [cluster] };
  const key = { start: cluster.start, end: cluster.start };
  return {
    ...blankTree(cluster),
    kind: 'map',
    entries: new Map([['clusters', { key, written: 'clusters', tree: list }]]),
  };
}

function textOf({ path, message, suggestion }: Finding): string {
  const at = formatPath(path.slice(2));
  return `${at ? `${at}: ` : ''}${message}${suggestion ? ` (${suggestion})` : ''}`;
}
