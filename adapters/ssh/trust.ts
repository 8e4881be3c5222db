import { connect } from 'node:net';
import type { Config } from '../../core/config/types.ts';
import type { Target } from '../../core/model.ts';
import type { AuditEntry } from '../../core/ports.ts';
import { forEachAtOnce } from './at-once.ts';
import { ProbeError } from './failure.ts';
import { fingerprintOf, type HostKey, type HostKeyVerdict, judgeHostKey } from './host-keys.ts';
import type { Keyring } from './keyring.ts';
import { knownHostName, knownNodeNames, parseKnownHosts, withKnownHost } from './known-hosts.ts';
import { createPinnedKeys, readKnownHosts, writeKnownHosts } from './known-hosts-file.ts';
import { openSession, type SshStream, showHostKey } from './session.ts';
import { dial } from './tunnel.ts';

/** A host with the key that it shows and what is known of it. */
export interface ShownKey {
  /** `bastion seoul` or `cluster/node` */
  what: string;
  address: string;
  key: HostKey;
  verdict: HostKeyVerdict;
  /** What is pinned instead, where the key changed. */
  pinned: readonly HostKey[];
  /** Part of `pinned` stands in the configuration: only there it can be changed. */
  inConfiguration: boolean;
}

export interface TrustResult {
  what: string;
  outcome: 'pinned' | 'learned' | 'refused' | { failed: string };
}

export interface TrustOptions {
  config: Pick<Config, 'bastions' | 'clusters'>;
  bastions: readonly string[];
  targets: readonly Target[];
  keyring: Keyring;
  /** File that keeps what is learned; written after each accepted key. */
  knownHosts: string;
  /** Asked once for each key that is not pinned, one after the other. */
  decide: (shown: ShownKey) => Promise<boolean>;
  onResult?: (result: TrustResult) => void;
  audit: (entry: AuditEntry) => void;
  actor: string;
  nowMs: () => number;
}

/**
 * Looks at the host keys of bastions, and through them at those of nodes. Nothing is sent to a host before its key is
 * known: to look at a key no login is needed.
 */
export async function trustHosts(options: TrustOptions): Promise<TrustResult[]> {
  const { config, targets, knownHosts, nowMs } = options;
  const results: TrustResult[] = [];
  const conclude = (what: string, outcome: TrustResult['outcome']) => {
    results.push({ what, outcome });
    options.onResult?.({ what, outcome });
  };

  /** Judges a key, asks where needed, and keeps what was accepted. */
  async function settle(host: HostEntry, key: HostKey): Promise<boolean> {
    const { accepted, revoked } = (await createPinnedKeys(knownHosts).load())(host.lines, host.names);
    const verdict = judgeHostKey({ accepted, revoked }, key);
    if (verdict === 'pinned') {
      conclude(host.what, 'pinned');
      return true;
    }
    const inConfiguration = host.lines.length > 0;
    const { what, address } = host;
    const wanted = await options.decide({ what, address, key, verdict, pinned: accepted, inConfiguration });
    // What the configuration pins, and what is revoked, no answer can change.
    if (!wanted || inConfiguration || verdict === 'revoked') {
      conclude(what, 'refused');
      return false;
    }
    const text = await readKnownHosts(knownHosts);
    await writeKnownHosts(knownHosts, withKnownHost(text, host.names, key));
    conclude(what, 'learned');
    return true;
  }

  async function audited(
    entry: { bastion: string; target?: string },
    work: () => Promise<HostKey>,
  ): Promise<HostKey | undefined> {
    const atMs = nowMs();
    const record = (outcome: string, hostKeyFingerprint: string | undefined) =>
      options.audit({
        atMs,
        actor: options.actor,
        ...entry,
        ...(hostKeyFingerprint !== undefined && { hostKeyFingerprint }),
        durationMs: nowMs() - atMs,
        bytes: 0,
        outcome,
      });
    try {
      const key = await work();
      record('host-key-shown', fingerprintOf(key));
      return key;
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      record(error.failure.reason, error.fingerprint);
      conclude(entry.target ?? `bastion ${entry.bastion}`, { failed: error.message });
      return undefined;
    }
  }

  for (const name of options.bastions) {
    const bastion = config.bastions.find((candidate) => candidate.name === name);
    if (!bastion) continue;
    const { deadlines } = bastion;
    const host: HostEntry = {
      what: `bastion ${name}`,
      address: `${bastion.host}:${bastion.port}`,
      lines: bastion.hostKeys,
      names: [knownHostName(bastion.host, bastion.port)],
    };
    const reach = (): SshStream => connect({ host: bastion.host, port: bastion.port, noDelay: true });
    const find = createPinnedKeys(knownHosts);
    const bastionKey = await audited({ bastion: name }, async () =>
      showHostKey({
        stream: reach(),
        user: bastion.user,
        pinned: (await find.load())(host.lines, host.names),
        phase: 'bastion',
        deadlineMs: deadlines.bastionMs,
      }),
    );
    if (bastionKey === undefined || !(await settle(host, bastionKey))) continue;

    const behind = targets.filter((target) => target.bastion === name);
    if (behind.length === 0) continue;
    const hop = await openSession({
      stream: reach(),
      user: bastion.user,
      key: await options.keyring.ofBastion(name),
      pinned: { accepted: [bastionKey], revoked: [] },
      phase: 'bastion',
      deadlineMs: deadlines.bastionMs,
    }).catch((error: unknown) => {
      if (!(error instanceof ProbeError)) throw error;
      for (const { cluster, node } of behind) conclude(`${cluster}/${node}`, { failed: `bastion: ${error.message}` });
    });
    if (hop === undefined) continue;
    const shown = new Map<Target, HostKey>();
    const pins = await find.load();
    await forEachAtOnce(behind, bastion.concurrency, async (target) => {
      const key = await audited({ bastion: name, target: `${target.cluster}/${target.node}` }, async () => {
        const tunnel = await dial(hop.client, target, deadlines.dialMs);
        return showHostKey({
          stream: tunnel.stream,
          user: target.user,
          pinned: pins(target.hostKeys, knownNodeNames(target)),
          phase: 'handshake',
          deadlineMs: deadlines.handshakeMs,
        });
      });
      if (key !== undefined) shown.set(target, key);
    });
    hop.end();
    for (const target of behind) {
      const key = shown.get(target);
      if (key === undefined) continue;
      const { cluster, node, host: address, port, hostKeys } = target;
      const names = knownNodeNames(target);
      await settle({ what: `${cluster}/${node}`, address: `${address}:${port}`, lines: hostKeys, names }, key);
    }
  }
  return results;
}

interface HostEntry {
  what: string;
  address: string;
  lines: readonly string[];
  names: readonly string[];
}
