// The texts for files of bastions and nodes that limit our keys to what probing needs.

import { type Needs, needsOf } from '../adapters/probes/needs.ts';
import {
  bastionKeyLine,
  type Endpoint,
  firewalledKeyLine,
  nodeKeyLine,
  type ServerText,
} from '../adapters/ssh/authorized-keys.ts';
import { bastionFirewall } from '../adapters/ssh/bastion-firewall.ts';
import { type LoginKey, lineOf } from '../adapters/ssh/login-key.ts';
import { type SignedLine, signedKeyLine } from '../adapters/ssh/signed-key-line.ts';
import { bastionSshdConfig, nodeSshdConfig } from '../adapters/ssh/sshd-config.ts';
import type { Check } from '../core/model/check.ts';
import type { BastionConfig } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import { bastionsOf } from '../core/plan/ways.ts';

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
  /** Services of nodes that checks ask through it. */
  services: readonly Endpoint[];
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
  checks: readonly Check[],
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
    const nodes = targets.filter((target) => bastionsOf(target).some((name) => names.includes(name)));
    return { bastions: names, host, user, key, nodes, services: needsOf(checks, nodes).fromBastion };
  });
}

/** `firewalled`: the firewall of the bastion limits the user, not the line of the key. */
export function bastionTexts(account: BastionAccount, firewalled: boolean): BastionTexts {
  const { user, key } = account;
  // Without nodes nobody needs their services.
  const endpoints = account.nodes.length === 0 ? [] : [...account.nodes, ...account.services];
  const sshdConfig = bastionSshdConfig(user);
  if (!firewalled) return { line: bastionKeyLine(key, endpoints), sshdConfig };
  const nft = bastionFirewall(user, endpoints);
  // Without the firewall that line would permit every host.
  return { line: 'none' in nft ? nft : firewalledKeyLine(key, endpoints), sshdConfig, nft };
}

export interface NodeTexts {
  line: string;
  sshdConfig: ServerText;
  /** Where checks connect to from these nodes: line and block have a permit for each. */
  forwards: readonly Endpoint[];
  /** Why the line permits nothing of what checks need there. */
  withheld?: string;
}

/** No block may forbid forwarding to all who log in as root, so nothing but the line would confine our key. */
const ROOT_FORWARDS =
  'permits for checks with `via: node`: the user is root, and no block of sshd_config can confine its forwarding. Log in as another user, or write `acceptsRootByForwarding: true` in the cluster';

/**
 * `needs` is what the checks of these nodes need: line and block permit no more. `signed`: the line verifies signatures; else it
 * compares hashes.
 */
export function nodeTexts(
  key: LoginKey,
  users: readonly string[],
  { scripts, fromNode }: Pick<Needs, 'scripts' | 'fromNode'>,
  acceptsRoot: boolean,
  signed?: Omit<SignedLine, 'forwards'>,
): NodeTexts {
  const isRefused = fromNode.length > 0 && users.includes('root') && !acceptsRoot;
  const forwards = isRefused ? [] : fromNode;
  return {
    line: signed ? signedKeyLine(key, { ...signed, forwards }) : nodeKeyLine(key, scripts, forwards),
    sshdConfig: nodeSshdConfig(users, forwards),
    forwards,
    ...(isRefused && { withheld: ROOT_FORWARDS }),
  };
}
