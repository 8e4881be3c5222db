import { quoted } from '../config/problem.ts';
import { type Labels, ROLES } from '../model.ts';

/** Of a node whose story does not say more. */
const CLUSTER = 'test';
const ROLE = 'controlplane';

const WORD = /^[^\s=/]+$/;
const LABEL = /^([A-Za-z_][A-Za-z0-9_]*)=(\S+)$/;

/**
 * Labels of a series from its name: `node-1`, `blue/node-1 role=etcd mount=/data`; without a node, as for a bastion,
 * just labels: `bastion=b-1 batch=0`. Returns the message when it cannot.
 */
export function parseSeriesName(name: string): { labels: Labels; node?: string } | string {
  const words = name.trim().split(/\s+/);
  const labels: Record<string, string> = {};
  let node: string | undefined;
  for (const [i, word] of words.entries()) {
    const [, label, value = ''] = LABEL.exec(word) ?? [];
    if (label) labels[label] = value;
    else if (i === 0) node = word;
    else return `${quoted(word)} is no label: write \`mount=/data\``;
  }
  if (node === undefined) return { labels };
  const [cluster, own, ...more] = node.includes('/') ? node.split('/') : [CLUSTER, node];
  if (more.length > 0 || !cluster || !own || !WORD.test(cluster) || !WORD.test(own)) {
    return `${quoted(node)} is no node: write \`node-1\` or \`cluster/node-1\``;
  }
  const { role = ROLE, ...others } = labels;
  if (!ROLES.some((known) => known === role)) return `${quoted(role)} is no role: write ${ROLES.join(', ')}`;
  return { labels: { cluster, node: own, role, ...others }, node: `${cluster}/${own}` };
}
