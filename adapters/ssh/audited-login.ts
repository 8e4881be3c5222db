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

export interface LoginRecording {
  accessor: Accessor;
  nowMs: () => number;
  record: (entry: AuditEntry) => void;
}

/** Logs in by `open`, and writes one audit line however that ends. @throws what `open` throws */
export async function recordLogin<T>(
  where: Pick<AuditEntry, 'bastion' | 'target'>,
  { accessor, nowMs, record }: LoginRecording,
  open: () => Promise<T>,
  fingerprintFrom: (opened: T) => string,
): Promise<T> {
  const startMs = nowMs();
  const write = (outcome: string, fingerprint: string | undefined) =>
    record({
      atMs: startMs,
      ...accessor,
      ...where,
      ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
      durationMs: nowMs() - startMs,
      bytes: 0,
      outcome,
    });
  try {
    const opened = await open();
    write('ok', fingerprintFrom(opened));
    return opened;
  } catch (error) {
    if (error instanceof ProbeError)
      write(error.failure.reason, error.hostKey && fingerprintOf(error.hostKey));
    throw error;
  }
}

/** Logs in to a bastion by `open`, and writes one audit line however that ends. @throws ProbeError, ConfigError */
export async function logInAudited<T extends { fingerprint: string }>(
  bastion: BastionConfig,
  ports: LoginRecording & { keyring: Keyring; hostKeys: ReturnType<typeof createPinnedKeys> },
  open: (access: BastionAccess) => Promise<T>,
): Promise<T> {
  const { keyring, hostKeys } = ports;
  const openWithKey = async () => {
    const key = await keyring.ofBastion(bastion.name);
    const pinned = await (await hostKeys.load())(bastion.hostKeys, namesOfHost(bastion));
    return open({ bastion, key, pinned });
  };
  return recordLogin({ bastion: bastion.name }, ports, openWithKey, ({ fingerprint }) => fingerprint);
}
