import { isIP } from 'node:net';
import { Command } from 'commander';
import type { z } from 'zod';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { needsOf } from '../adapters/probes/needs.ts';
import { permitsOf, type ServerText } from '../adapters/ssh/authorized-keys.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { type LoginKey, lineOf } from '../adapters/ssh/login-key.ts';
import { penaltyExemption } from '../adapters/ssh/sshd-config.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { bastionsOf } from '../core/plan/ways.ts';
import type { Secrets } from '../core/ports.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { keysShape } from './keys-shape.ts';
import { plural } from './problem-report.ts';
import {
  type BastionAccount,
  type BastionTexts,
  bastionAccounts,
  bastionTexts,
  nodeTexts,
} from './server-texts.ts';
import { type SignersOfLine, signedLine } from './signed-line.ts';

type Shown = z.infer<typeof keysShape>;

/** When many clusters need the same text, this many are named, and the others are counted. */
const MOST_NAMES = 5;

export function keysCommand(): Command {
  const command = new Command('keys')
    .description(
      'Print lines of authorized_keys and blocks of sshd_config that limit our keys to what probing needs.',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option(
      '--nft',
      'for bastions: an nftables rule set that limits the user, and the line that belongs to it',
    )
    .option(
      '--signed <file>',
      'for nodes: lines that run scripts signed by a public key of this file (.pub), in place of lines with hashes',
    )
    .option('--json', 'as JSON')
    .action(async (options: { config: string; nft?: boolean; signed?: string; json?: boolean }) => {
      const config = await loadFleet(options.config);
      const signed = options.signed === undefined ? undefined : await signedLine(config, options.signed);
      const { accounts, clusters } = await collect(config, secretsFor(options.config), signed);
      const bastions = accounts.map((account) => ({
        account,
        texts: bastionTexts(account, options.nft === true),
      }));
      if (options.json) writeJson(keysShape, { bastions: bastions.flatMap(bastionRows), clusters });
      else {
        const parts = [...bastions.map(bastionPart), ...clusterParts(clusters)];
        process.stdout.write(`${parts.join('\n\n')}\n`);
      }
      const refused = bastions.filter(
        ({ account, texts }) => account.nodes.length > 0 && 'none' in texts.line,
      );
      process.exitCode = refused.length === 0 ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan keys', 'for each bastion, and for the nodes of each cluster'],
      [
        "bartizan keys --json | jq -r '.bastions[0].line' | ssh admin@gate 'cat >~probe/.ssh/authorized_keys'",
      ],
      [
        "bartizan keys --json | jq -r '.bastions[0].sshdConfig' | ssh admin@gate 'cat >/etc/ssh/sshd_config.d/00-bartizan.conf'",
      ],
      ['bartizan keys --signed catalogue.pub', 'nodes verify signatures (OpenSSH 8.1 or newer)'],
      ["bartizan keys --nft --json | jq -r '.bastions[0].nft' | ssh admin@gate 'cat >/etc/bartizan.nft'"],
    ],
    text: `The line and the block of a bastion belong together: no line can forbid Unix sockets (-R), but the block does, and it permits
the user only connections to nodes. Nobody else may use this user. sshd uses only the first line of a key, so replace an
older line. The line of a bastion names every node: print it again when nodes are added or removed. The line of nodes has
the hashes of the scripts of this release and of the previous one, and of those in \`commands\`. To lose no round, install the
line of the next release before you upgrade, and that of a changed script before you restart \`up\`.
With --signed the line has public keys instead, and the lowest version of the file of signatures: a new release or command needs
no new line, only new signatures (\`bartizan catalogue sign\`). Set \`signatures\` in the configuration first, then install it.
sshd refuses a line for more than 4,096 nodes. With --nft the firewall of the bastion limits the user instead; load it
before sshd starts, because its line permits the nodes' ports on any host. \`bartizan check --connect\` shows the rights
that are left.`,
    exits1: 'the configuration or a key cannot be used, or a bastion with nodes has no line',
    json: keysShape,
  });
}

async function collect(config: Config, secrets: Secrets, signed: SignersOfLine | undefined) {
  const targets = await createFileInventory(config).list();
  const keyring = createKeyring(config, secrets);
  const keys = new Map<string, LoginKey>();
  for (const { name } of config.bastions) keys.set(name, await keyring.ofBastion(name));
  const clusters: Shown['clusters'][number][] = [];
  for (const cluster of config.clusters) {
    const { name, nodes, acceptsRootByForwarding = false } = cluster;
    const users = [...new Set(nodes.map((node) => node.user))];
    const mine = targets.filter((target) => target.cluster === name);
    const key = await keyring.ofCluster(name);
    const needs = needsOf(config.checks, mine, config.commands);
    if (signed?.signers.includes(lineOf(key.key)))
      throw new ConfigError(
        `cluster ${name}: the key that logs in to its nodes may sign scripts too, so whoever stole it could run anything; sign with another key`,
      );
    const texts = nodeTexts(key, users, needs, acceptsRootByForwarding, signed);
    const { line, sshdConfig, forwards, withheld } = texts;
    const hosts = config.bastions
      .filter((one) => bastionsOf(cluster).includes(one.name))
      .map(({ host }) => host);
    const exempt = penaltyExemption(hosts.map((host) => (isIP(host) === 0 ? 'ADDRESS' : host)).join(','));
    const missing = [
      ...(withheld === undefined ? [] : [withheld]),
      ...(forwards.length > 0 && 'none' in sshdConfig ? [`a block for sshd_config: ${sshdConfig.none}`] : []),
    ];
    clusters.push({
      name,
      users,
      line,
      scripts: needs.scripts.map(({ name: script, sha256 }) => ({ name: script, sha256 })),
      sshdConfig: textOf(sshdConfig),
      forwards: permitsOf(forwards),
      missing,
      penaltyExemption: exempt,
    });
  }
  return { accounts: bastionAccounts(config.bastions, keys, targets, config.checks), clusters };
}

const textOf = (text: ServerText): string => ('text' in text ? text.text : '');

interface Bastion {
  account: BastionAccount;
  texts: BastionTexts;
}

function bastionRows({ account, texts }: Bastion): Shown['bastions'][number][] {
  const { line, sshdConfig, nft } = texts;
  const missing = Object.entries(texts).flatMap(([name, text]: [string, ServerText]) =>
    'none' in text ? [`${name}: ${text.none}`] : [],
  );
  return account.bastions.map((name) => ({
    name,
    user: account.user,
    host: account.host,
    line: textOf(line),
    sshdConfig: textOf(sshdConfig),
    ...(nft && { nft: textOf(nft) }),
    missing,
  }));
}

/** A comment before each text has its destination, so that people can read or split the output. */
function bastionPart({ account, texts }: Bastion): string {
  const { bastions, user, host } = account;
  const who = `${bastions.length === 1 ? 'bastion' : 'bastions'} ${bastions.join(', ')}`;
  const { line, sshdConfig, nft } = texts;
  if ('none' in line) return `# ${who}: no line: ${line.none}`;
  const parts = [
    `# ${who}: ~${user}/.ssh/authorized_keys on ${host}, in place of any other line of this key\n${line.text}`,
    'none' in sshdConfig
      ? `# ${who}: no block for sshd_config: ${sshdConfig.none}.\n# Without one, our key may make Unix sockets there.`
      : `# ${who}: /etc/ssh/sshd_config.d/00-bartizan.conf on ${host}, or in front of the first Match of sshd_config; then\n# reload sshd. User ${user} must be ours alone: the block leaves it nothing but connections to nodes.\n${sshdConfig.text}`,
  ];
  if (nft && 'text' in nft) {
    parts.push(
      `# ${who}: rules for nftables on ${host} (nft -f FILE); include the file in /etc/nftables.conf, so that they are\n# there before sshd. They let user ${user} connect to ${plural(account.nodes.length, 'node')} and nowhere else.\n${nft.text}`,
    );
  }
  return parts.join('\n\n');
}

/** Clusters that need the same text are listed together. */
function clusterParts(clusters: readonly Shown['clusters'][number][]): string[] {
  const alike = Map.groupBy(clusters, ({ name: _name, ...rest }) => JSON.stringify(rest));
  return [...alike.values()].map((group) => {
    const [cluster] = group as [(typeof group)[number]];
    const more = group.length > MOST_NAMES ? ` and ${group.length - MOST_NAMES} more` : '';
    const named = group.slice(0, MOST_NAMES).map(({ name }) => name);
    const who = `nodes of ${named.join(', ')}${more}`;
    if (cluster.users.length === 0) return `# ${who}: there are none`;
    return [
      ...nodeParts(who, cluster),
      `# ${who}: global part of sshd_config with OpenSSH 9.8 or newer (an older one does not start with it), with the\n# address that the nodes see the bastion come from:\n${cluster.penaltyExemption}`,
    ].join('\n\n');
  });
}

/** Where checks connect from the nodes, the block comes first: a line cannot forbid Unix sockets that the key makes. */
function nodeParts(who: string, { users, line, sshdConfig, forwards, missing }: Shown['clusters'][number]) {
  const narrow = 'AcceptEnv must stay narrow (LANG LC_*)';
  const names = users.join(', ');
  const lineOf = (when: string) =>
    `# ${who}: ${when}authorized_keys of ${names}, in place of any other line of this key\n${line}`;
  const notes = missing.map((what) => `# ${who}: without ${what}`);
  if (forwards.length === 0) {
    return [
      ...notes,
      lineOf(''),
      sshdConfig === ''
        ? `# ${who}: sshd_config must have PermitTunnel no, as by default, and ${narrow}`
        : `# ${who}: sshd_config, where PermitTunnel is not \`no\` as by default; ${narrow}\n${sshdConfig}`,
    ];
  }
  const block = `# ${who}: first /etc/ssh/sshd_config.d/00-bartizan.conf, or in front of the first Match of sshd_config; then reload\n# sshd. Without it our key may make Unix sockets there, and any other line of it reaches docker's; ${narrow}\n${sshdConfig}`;
  return [...notes, ...(sshdConfig === '' ? [] : [block]), lineOf('then ')];
}
