import type { FirstAnswers } from './first-answers.ts';

/** The sections that differ from one configuration to another, each with its line break at the end. */
interface Sections {
  bastion: string;
  cluster: string;
  channels: string;
}

const EXAMPLE: Sections = {
  bastion: `bastions:
  - name: seoul
    host: bastion.example.net
    user: probe
    privateKey: \${file:~/.ssh/id_ed25519}
`,
  cluster: `clusters:
  - name: prod
    bastion: seoul
    defaults: { user: probe }
    nodes:
      - { name: prod-1, role: controlplane, host: 10.0.1.11 }
      - { name: prod-2, role: controlplane, host: 10.0.1.12 }
      - { name: prod-3, role: etcd, host: 10.0.1.21, port: 2222 }
`,
  channels: `# Where messages go.
channels:
  - name: ops
    type: webhook
    url: \${env:OPS_WEBHOOK_URL}
    # Signs messages, so that the receiver can check their origin.
#    secret: \${env:OPS_WEBHOOK_SECRET}
`,
};

/** A channel needs a secret, which `init` does not ask for. */
const NO_CHANNEL = `# Where messages go. Without a channel nobody is notified; \`bartizan alerts\` lists what fires.
#channels:
#  - name: ops
#    type: webhook
#    url: \${env:OPS_WEBHOOK_URL}
`;

/** The commented file to fill in. Optional fields are in comments, with their default values. */
export const STARTER = starter(EXAMPLE);

/** The same with the first bastion and node. */
export function firstConfig({ bastion, key, cluster, node }: FirstAnswers): string {
  return starter({
    bastion: `bastions:
  - name: ${scalar(bastion.name)}
    host: ${scalar(bastion.host)}
${bastion.port === undefined ? '' : `    port: ${bastion.port}\n`}    user: ${scalar(bastion.user)}
${loginLines(key)}`,
    cluster: `clusters:
  - name: ${scalar(cluster)}
    bastion: ${scalar(bastion.name)}
    defaults: { user: ${scalar(node.user)} }
    nodes:
      - { name: ${scalar(node.name)}, role: controlplane, host: ${scalar(node.host)}${node.port === undefined ? '' : `, port: ${node.port}`} }
`,
    channels: NO_CHANNEL,
  });
}

function loginLines(key: FirstAnswers['key']): string {
  if ('file' in key) return `    privateKey: ${JSON.stringify(`\${file:${key.file}}`)}\n`;
  return `    agent: "\${env:SSH_AUTH_SOCK}"\n    publicKey: ${key.agentHolds}\n`;
}

/** Plain where YAML reads it as this very text, else in quotes. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z][\w.-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain || /^\d+(\.\d+){3}$/.test(text) ? text : JSON.stringify(text);
}

function starter(sections: Sections): string {
  return `# yaml-language-server: $schema=bartizan.schema.json
#
# Bartizan watches control planes behind an SSH bastion. Check this file with \`bartizan check\`.
# docs/configuration.md has every field. Durations are written 90s, 5m, 1h30m; sizes 512KiB, 1MiB.
# This file contains no secrets: \${env:NAME}, \${file:path} and \${ssm:/path} are resolved when they are used.

# The SSH gateways in front of the nodes.
${sections.bastion}    # \`bartizan trust\` learns host keys; you can also pin them here.
#    hostKeys: []

# Clusters and their control-plane VMs, as the bastion reaches them. Roles: apiserver, etcd, controlplane.
${sections.cluster}
${sections.channels}
# What is checked on nodes, and how often.
#checks:
#  - { name: usage, probe: usage, every: 1m }

# When to alert. A list replaces these rules; a mapping adds to them, changes some or turns some off:
# rules: { add: [ … ], change: { memory: { above: 95 } }, off: [disk] }
#rules:
#  - name: node-down
#    title: Node down
#    metric: up
#    below: 1
#    for: 3m
#    severity: critical
#    inhibitedBy: [host-key-changed]
#    summary: "{{node}} has not let us in for {{held}}"
#  - name: memory
#    title: Memory usage
#    metric: mem_usage
#    above: 90
#    recoveryThreshold: 85
#    for: 10m
#    severity: warning
#    inhibitedBy: [node-down]
#    summary: "{{node}} has used {{value}} of its memory, over {{threshold}} for {{held}}"
#  - name: disk
#    title: Disk usage
#    metric: disk_usage
#    above: 90
#    for: 10m
#    severity: warning
#    inhibitedBy: [node-down]
#    supersededBy: [disk-full]
#    summary: "{{mount}} on {{node}} is {{value}} full, over {{threshold}} for {{held}}"
#  - name: disk-full
#    title: Disk nearly full
#    metric: disk_usage
#    above: 97
#    for: 2m
#    severity: critical
#    inhibitedBy: [node-down]
#    summary: "{{mount}} on {{node}} is {{value}} full"
#  - name: disk-read-only
#    title: Disk turned read-only
#    metric: disk_read_only
#    above: 0
#    for: 0s
#    severity: critical
#    inhibitedBy: [node-down]
#    summary: "{{mount}} on {{node}} ({{device}}) was made read-only by the kernel, after an error"
#  - name: bastion-lost
#    title: Bastion lost
#    metric: bastion_up
#    aggregate: { by: [bastion], op: max }
#    below: 1
#    for: 1m
#    severity: critical
#    summary: nothing gets through bastion {{bastion}}; nodes that no other bastion reaches are unknown
#  - name: way-lost
#    title: Way lost
#    metric: way_lost
#    aggregate: { by: [cluster, bastion], op: sum }
#    above: 0
#    for: 3m
#    severity: warning
#    summary: "bastion {{bastion}} does not reach {{value}} of the nodes of {{cluster}} that another bastion reaches: the network between them"
#  - name: label-sets-dropped
#    title: Too many label sets
#    metric: label_sets_dropped
#    above: 0
#    for: 0s
#    keepFiringFor: 15m
#    severity: warning
#    summary: "{{node}} shows {{value}} mounts, interfaces or disks more than it may newly bring in an hour; these are not watched"
#  - name: host-key-changed
#    title: Host key changed
#    metric: host_key_mismatch
#    above: 0
#    for: 0s
#    severity: critical
#    summary: "{{node}} shows another host key than the pinned one and was refused"
#  - name: bastion-host-key-changed
#    title: Bastion host key changed
#    metric: bastion_host_key_mismatch
#    above: 0
#    for: 0s
#    severity: critical
#    summary: bastion {{bastion}} shows another host key than the pinned one and was refused
#  - name: disk-fills
#    title: Disk fills up
#    metric: disk_usage
#    window: { last: 1h, reduce: forecast, in: 24h }
#    above: 100
#    for: 6h
#    severity: warning
#    inhibitedBy: [node-down]
#    supersededBy: [disk, disk-full]
#    summary: "{{mount}} on {{node}} will be full within {{ahead}} if it goes on as in the last {{window}}"
#  - name: oom-kills
#    title: Processes killed for lack of memory
#    metric: oom_kills
#    above: 0
#    for: 0s
#    keepFiringFor: 15m
#    severity: warning
#    inhibitedBy: [node-down]
#    summary: the kernel of {{node}} killed {{value}} processes for lack of memory
#  - name: clock-offset
#    title: Clock off
#    metric: clock_offset
#    outside: [-0.5, 0.5]
#    for: 10m
#    severity: warning
#    inhibitedBy: [node-down]
#    summary: the clock of {{node}} is {{value}} away from ours
#  - name: clock-spread
#    title: Clocks of a cluster apart
#    metric: clock_offset
#    aggregate: { by: [cluster], op: spread }
#    above: 1
#    for: 10m
#    severity: warning
#    summary: clocks of the nodes of {{cluster}} are {{value}} apart
#  - name: signature-expiring
#    title: Signature of scripts expires
#    metric: signature_expiry
#    for: 0s
#    tiers: { warning: { below: 1209600 }, critical: { below: 259200 } }
#    inhibitedBy: [node-down]
#    summary: the signature of the script of check {{check}} expires in {{value}}; then {{node}} refuses it
#  - name: nodes-unwatched
#    title: Nodes not watched
#    metric: unwatched_nodes
#    where: { reason: [no-check, never-seen, overdue, beyond-capacity, penalty] }
#    above: 0
#    for: 15m
#    severity: warning
#    summary: "{{value}} of the nodes have not been watched for {{held}}, reason {{reason}}: bartizan coverage names them"
#  - name: inventory-silent
#    title: Inventory silent
#    metric: inventory_age
#    above: 3600
#    for: 0s
#    severity: warning
#    summary: "the source {{source}} of the inventory last answered {{value}} ago: new and removed nodes are unknown"

# Which alerts go to which channels: the first route that matches takes an alert.
#routes:
#  - name: default
#    channels: [ops]
#    groupBy: [rule, cluster]
#    groupWait: 0s
#    groupInterval: 5m

# Times in which no messages are sent; rules are still evaluated.
#silences: []
#  # - match: { cluster: prod, rule: [memory, disk] }
#  #   from: 2027-01-31T22:00:00+09:00
#  #   until: 2027-02-01T02:00:00+09:00
#  #   comment: moving to larger nodes

# Where samples are stored, and for how long.
#store: { type: sqlite, path: ./data, retention: 7d }

#schedule: { timeZone: UTC, jitter: 1s, lateness: 15m }

# Health, metrics and pictures. Messages link to pictures under publicUrl.
#server: { listen: "127.0.0.1:9470", publicUrl: "http://127.0.0.1:9470" }
`;
}
