import { join } from 'node:path';
import { Command } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { signatureFile } from '../adapters/signatures/signature-source.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import type { NodeLogin } from '../adapters/tunnel/route.ts';
import { ConfigError } from '../core/errors.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import type { Audit, Secrets } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf, parseAs } from './actor.ts';
import { readServed } from './api-certificate.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { type Authority, findAuthority } from './kubeconfig-authority.ts';
import { contextOf, kubeconfigText, writeKubeconfig } from './kubeconfig-file.ts';
import { listRunningTunnels, type RunningTunnel } from './running-tunnels.ts';
import { selectTargets } from './select-targets.ts';
import { apiPortsOf, serviceOfPort } from './service-of-port.ts';
import { bastionOf, through } from './tunnel.ts';
import { endText, quoted } from './tunnel-texts.ts';

interface Options {
  config: string;
  node?: string;
  file?: string;
  ca?: string;
  pin?: boolean;
  user?: string;
  as?: string;
}

export function kubeconfigCommand(): Command {
  const command = new Command('kubeconfig')
    .description(
      'Write a kubeconfig that reaches the API server of a cluster through a running `bartizan tunnel`.',
    )
    .argument('<cluster>', 'cluster')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--node <node>', 'take the tunnel to this node, where several run; by default the newest')
    .option('--file <file>', 'write this file, for your user only; by default it is printed')
    .option('--ca <file>', 'certificates (PEM) of the authority of the API server')
    .option('--pin', 'trust the certificate that is served now, and no other: compare its fingerprint first')
    .option('--user <name>', 'name of a user that another file of KUBECONFIG defines')
    .option('--as <name>', 'your name for the audit, beside the login name; nothing verifies it', parseAs)
    .action(async (cluster: string, options: Options) => {
      const config = await loadFleet(options.config);
      const { tunnel, target } = await findTunnel(config, cluster, options.node);
      const secrets = secretsFor(options.config);
      const service = serviceOfPort(config.checks, target, tunnel.port, tunnel.via);
      const { served, name } = await readServed(tunnel.localPort, [service.name, target.host]);
      const authority = await withAccessAudit(config, (audit) =>
        findAuthority({
          localPort: tunnel.localPort,
          served,
          name,
          file: options.ca,
          pin: options.pin === true,
          configured: service.ca,
          checks: config.checks,
          secrets,
          login: {
            ...loginTo(config, target, secrets, audit, options.as),
            signatures: config.signatures && signatureFile(config.signatures.file),
          },
        }),
      );
      const { localPort } = tunnel;
      const { user, file } = options;
      const text = kubeconfigText({ cluster, localPort, serverName: name, authority: authority.pem, user });
      if (file === undefined) process.stdout.write(text);
      else await writeKubeconfig(file, text);
      process.stderr.write(adviceText({ tunnel, name, authority }, options));
    });
  return withNotes(command, {
    examples: [
      ['bartizan tunnel prod/prod-1 6443', 'in another terminal'],
      ['bartizan kubeconfig prod --file prod.kubeconfig'],
      ['KUBECONFIG=prod.kubeconfig:$HOME/.kube/config kubectl --user admin get nodes'],
      ['bartizan kubeconfig prod --ca ca.crt >prod.kubeconfig', 'where no check names the authority'],
    ],
    text: `The file has no credentials: kubectl takes them from another file of KUBECONFIG, by --user or the user named here, or from its
own options. kubectl merges the files; a file of another program is never overwritten. The API server is always verified:
by the \`ca\` of the check \`apiserver\`, else by that certificate among the node's own files which signed the served one.`,
    exits1: 'no tunnel to an API server of the cluster runs, or its authority is unknown',
  });
}

/** The newest tunnel to an API server of the cluster. @throws ConfigError that says how to open one */
async function findTunnel(
  config: Config,
  cluster: string,
  node: string | undefined,
): Promise<{ tunnel: RunningTunnel; target: Target }> {
  const all = await createFileInventory(config).list();
  const mine = all.filter((target) => target.cluster === cluster);
  if (mine.length === 0) {
    const [other] = selectTargets(all, [cluster]);
    throw new ConfigError(`${cluster} is no cluster${other ? `; did you mean \`${other.cluster}\`?` : ''}`);
  }
  const targets = node === undefined ? mine : selectTargets(mine, [node]);
  const running = await listRunningTunnels(config.store.path);
  for (const tunnel of running.toReversed()) {
    if (tunnel.cluster !== cluster) continue;
    const target = targets.find((one) => one.node === tunnel.node);
    if (target && apiPortsOf(config.checks, target).includes(tunnel.port))
      return { tunnel, target: through(target, tunnel.bastion) };
  }
  const first = targets.find(({ role }) => role !== 'etcd') ?? targets[0];
  const line = first && `bartizan tunnel ${cluster}/${first.node} ${apiPortsOf(config.checks, first)[0]}`;
  throw new ConfigError(
    `no tunnel to an API server of ${node ?? cluster} runs with this configuration; open one in another terminal: ${line}`,
  );
}

function loginTo(
  config: Config,
  target: Target,
  secrets: Secrets,
  audit: Audit,
  as: string | undefined,
): NodeLogin {
  return {
    bastion: bastionOf(config, target),
    target,
    sessions: config.sessions,
    keyring: createKeyring(config, secrets),
    hostKeys: createPinnedKeys(join(config.store.path, 'known_hosts')),
    accessor: { kind: 'tunnel', ...actorOf(as) },
    nowMs: systemClock.nowMs,
    // A line that cannot be written now makes the audit's own end fail.
    record: (entry: AuditEntry) => void audit.append([entry]).catch(() => {}),
  };
}

function adviceText(
  { tunnel, name, authority }: { tunnel: RunningTunnel; name: string; authority: Authority },
  { file, user }: Options,
): string {
  const { cluster, node, localPort } = tunnel;
  const lines = [
    `${file ?? 'printed'}: ${cluster}/${node} through ${endText({ port: localPort })}, verified as ${name} by ${authority.source}`,
  ];
  if (file !== undefined) {
    const named = user === undefined ? ' --user NAME' : '';
    const env = `KUBECONFIG=${quoted(file)}:"$HOME/.kube/config"`;
    lines.push(
      'It has no credentials. With those of another kubeconfig:',
      `  ${env} kubectl --context ${quoted(contextOf(cluster))}${named} get nodes`,
    );
  }
  return `${lines.join('\n')}\n`;
}
