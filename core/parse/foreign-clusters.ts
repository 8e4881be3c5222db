import { parseJsonPath, valueAtPath } from './json-path.ts';

type Fields = Readonly<Record<string, unknown>>;
type Paths = Readonly<Partial<Record<string, string>>>;

export interface ClusterShape {
  /** Path of the list of clusters; absent: the answer is the list. */
  list?: string | undefined;
  /** Path of each field of a cluster that is elsewhere in its element. None at all: elements are clusters as they are. */
  cluster: Paths;
  node: Paths;
  /** Path of each label, in the element of its cluster or node. */
  clusterLabels: Paths;
  nodeLabels: Paths;
  /** Values of fields that the answer lacks. */
  clusterDefaults: Fields;
  nodeDefaults: Fields;
}

/** Takes the clusters out of an answer of some API, in the shape of `clusters[]`. Undefined: there is no list at the path. */
export function foreignClusters(answer: unknown, shape: ClusterShape): unknown[] | undefined {
  const list = shape.list === undefined ? answer : valueAtPath(answer, parseJsonPath(shape.list) ?? []);
  if (!Array.isArray(list)) return undefined;
  return list.map((element) => {
    const fields = fieldsOf(element, shape.cluster, shape.clusterDefaults);
    const { nodes, ...cluster } = withLabels(fields, element, shape.clusterLabels);
    const mapped = Array.isArray(nodes)
      ? nodes.map((node) =>
          withLabels(fieldsOf(node, shape.node, shape.nodeDefaults), node, shape.nodeLabels),
        )
      : nodes;
    return { ...cluster, ...(mapped !== undefined && { nodes: mapped }) };
  });
}

/** With paths, only what they name is taken: an API has many fields that are none of a cluster. */
function fieldsOf(element: unknown, paths: Paths, defaults: Fields): Record<string, unknown> {
  const own: Record<string, unknown> =
    typeof element === 'object' && element !== null && Object.keys(paths).length === 0 ? { ...element } : {};
  for (const [field, path] of Object.entries(paths)) {
    const value = valueAtPath(element, parseJsonPath(path ?? '') ?? []);
    if (value !== undefined && value !== null) own[field] = value;
  }
  return { ...defaults, ...own };
}

/** An API writes versions as numbers, and an empty text or null where it has no value. */
function withLabels(fields: Record<string, unknown>, element: unknown, paths: Paths): typeof fields {
  const found = Object.entries(paths).flatMap(([name, path]) => {
    const value = valueAtPath(element, parseJsonPath(path ?? '') ?? []) ?? '';
    const label = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    return typeof label === 'string' && label.trim() === '' ? [] : [[name, label] as const];
  });
  if (found.length === 0) return fields;
  return { ...fields, labels: { ...(fields.labels ?? {}), ...Object.fromEntries(found) } };
}
