import type { AuditEntry } from '../../core/model/audit.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import { ProbeError } from './failure.ts';
import { fingerprintOf, type PinnedKeys } from './host-keys.ts';
import type { Keyring } from './keyring.ts';
import type { createPinnedKeys } from './known-hosts-file.ts';
import { namesOfHost } from './known-hosts-names.ts';
import type { LoginKey } from './login-key.ts';

/** Who logs in and for what: the fields that each of its audit lines has. */
export type Accessor = Pick<AuditEntry, 'kind' | 'actor' | 'unverifiedActor'>;

/** What a bastion is logged in to with. */
export interface BastionAccess {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
}

/** Logs in to a bastion by `open`, and writes one audit line however that ends. @throws ProbeError, ConfigError */
export async function logInAudited<T extends { fingerprint: string }>(
  bastion: BastionConfig,
  ports: {
    keyring: Keyring;
    hostKeys: ReturnType<typeof createPinnedKeys>;
    accessor: Accessor;
    nowMs: () => number;
    record: (entry: AuditEntry) => void;
  },
  open: (access: BastionAccess) => Promise<T>,
): Promise<T> {
  const { keyring, hostKeys, accessor, nowMs, record } = ports;
  const startMs = nowMs();
  const write = (outcome: string, fingerprint: string | undefined) =>
    record({
      atMs: startMs,
      ...accessor,
      bastion: bastion.name,
      ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
      durationMs: nowMs() - startMs,
      bytes: 0,
      outcome,
    });
  try {
    const key = await keyring.ofBastion(bastion.name);
    const pinned = await (await hostKeys.load())(bastion.hostKeys, namesOfHost(bastion));
    const opened = await open({ bastion, key, pinned });
    write('ok', opened.fingerprint);
    return opened;
  } catch (error) {
    if (error instanceof ProbeError)
      write(error.failure.reason, error.hostKey && fingerprintOf(error.hostKey));
    throw error;
  }
}
