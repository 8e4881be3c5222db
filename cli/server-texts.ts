// The texts for files of bastions and nodes that limit our keys to what probing needs.

import { PROBES } from '../adapters/probes/registry.ts';
import {
  bastionKeyLine,
  type Endpoint,
  firewalledKeyLine,
  nodeKeyLine,
  type ServerText,
} from '../adapters/ssh/authorized-keys.ts';
import { bastionFirewall } from '../adapters/ssh/bastion-firewall.ts';
import { type LoginKey, lineOf } from '../adapters/ssh/login-key.ts';
import { bastionSshdConfig, nodeSshdConfig } from '../adapters/ssh/sshd-config.ts';
import type { BastionConfig } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';

/** A user on the host of a bastion, as whom we log in with one key. */
export interface BastionAccount {
  /**
   * Names of bastions in the configuration. Several have the same host, user and key, and so share a line, because sshd
   * reads one line for each key.
   */
  bastions: readonly string[];
  host: string;
  user: string;
  key: LoginKey;
  nodes: readonly Endpoint[];
}

export interface BastionTexts {
  line: ServerText;
  sshdConfig: ServerText;
  /** Present if requested. */
  nft?: ServerText;
}

/** In the order of the configuration. Leaves out bastions whose key is not in `keys`. */
export function bastionAccounts(
  bastions: readonly BastionConfig[],
  keys: ReadonlyMap<string, LoginKey>,
  targets: readonly Target[],
): BastionAccount[] {
  const withKeys = bastions.flatMap(({ name, host, user }) => {
    const key = keys.get(name);
    return key ? [{ name, host, user, key }] : [];
  });
  const groups = Map.groupBy(withKeys, ({ host, user, key }) =>
    JSON.stringify([host, user, lineOf(key.key)]),
  );
  return [...groups.values()].map((group) => {
    const [{ host, user, key }] = group as [(typeof group)[number], ...typeof group];
    const names = group.map(({ name }) => name);
    return {
      bastions: names,
      host,
      user,
      key,
      nodes: targets.filter(({ bastion }) => names.includes(bastion)),
    };
  });
}

/** `firewalled`: the firewall of the bastion limits the user, not the line of the key. */
export function bastionTexts({ user, key, nodes }: BastionAccount, firewalled: boolean): BastionTexts {
  const sshdConfig = bastionSshdConfig(user);
  if (!firewalled) return { line: bastionKeyLine(key, nodes), sshdConfig };
  const nft = bastionFirewall(user, nodes);
  // Without the firewall that line would permit every host.
  return { line: 'none' in nft ? nft : firewalledKeyLine(key, nodes), sshdConfig, nft };
}

export function nodeTexts(key: LoginKey, users: readonly string[]): { line: string; sshdConfig: ServerText } {
  const scripts = PROBES.flatMap((probe) => probe.catalogue);
  return { line: nodeKeyLine(key, scripts), sshdConfig: nodeSshdConfig(users) };
}
