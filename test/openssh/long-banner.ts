// A banner of 240 KB, almost the most that sshd sends in one packet, on a bastion and on a node behind it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchOf, outcomes } from '../prober-fixture.ts';
import { dir, setupProber, startBastion, startNode, target } from './servers.ts';

/** Ciphers and MACs for bastion and node, with a name. */
export const CIPHERS: readonly [name: string, config: readonly string[]][] = [
  ['gcm', ['Ciphers aes128-gcm@openssh.com']],
  ['ctr-etm', ['Ciphers aes128-ctr', 'MACs hmac-sha2-256-etm@openssh.com']],
  ['ctr', ['Ciphers aes128-ctr', 'MACs hmac-sha2-256']],
];

/** Probes a node, with that banner on bastion and node. */
export async function probeWithLongBanners(name: string, config: readonly string[]): Promise<string[]> {
  const file = join(dir, `banner-${name}`);
  writeFileSync(file, `${'-'.repeat(1_023)}\n`.repeat(240));
  const all = [...config, `Banner ${file}`];
  const hop = await startBastion(`hop-${name}`, { config: all });
  const node = await startNode(`node-${name}`, { config: all });
  const { prober } = await setupProber({}, { hop });
  return outcomes(await prober.probe(batchOf([target('n', node)])));
}
