import type { Labels } from '../model/labels.ts';
import { ROLES } from '../model/target.ts';
import { quoted } from '../text/suggestions.ts';

/** The cluster of a node where the story names none. */
const CLUSTER = 'test';
const ROLE = 'controlplane';

const NAME = /^[^\s=/]+$/;
const LABEL = /^([A-Za-z_][A-Za-z0-9_]*)=(\S+)$/;

/**
 * Labels of a series from its name: `node-1`, `blue/node-1 role=etcd mount=/data`; without a node, as for a bastion,
 * just labels: `bastion=b-1 batch=0`. Returns the message when it cannot.
 */
export function parseSeriesName(name: string): { labels: Labels; node?: string } | string {
  const tokens = name.trim().split(/\s+/);
  const labels: Record<string, string> = {};
  let node: string | undefined;
  for (const [i, token] of tokens.entries()) {
    const [, label, value = ''] = LABEL.exec(token) ?? [];
    if (label) labels[label] = value;
    else if (i === 0) node = token;
    else return `${quoted(token)} is no label: write \`mount=/data\``;
  }
  if (node === undefined) return { labels };
  const [cluster, own, ...more] = node.includes('/') ? node.split('/') : [CLUSTER, node];
  if (more.length > 0 || !cluster || !own || !NAME.test(cluster) || !NAME.test(own)) {
    return `${quoted(node)} is no node: write \`node-1\` or \`cluster/node-1\``;
  }
  const { role = ROLE, ...others } = labels;
  if (!ROLES.some((known) => known === role)) return `${quoted(role)} is no role: write ${ROLES.join(', ')}`;
  return { labels: { cluster, node: own, role, ...others }, node: `${cluster}/${own}` };
}
