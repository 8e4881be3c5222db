import { Command } from 'commander';
import { readStarts } from '../adapters/audit/chain-state.ts';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { MACHINE_KEYS } from '../adapters/state/machine-state.ts';
import { ConfigError } from '../core/errors.ts';
import type { StateStore } from '../core/ports.ts';
import { withActionAudit } from './action-audit.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { hasStateOfFolder, openStateFile, withState } from './state-access.ts';

const KEY = MACHINE_KEYS.auditAcknowledged;
/** More than state keeps of all chains. */
const MOST = 1_000;

/** Hashes of the first lines of chains whose new beginning somebody acknowledged. */
export async function acknowledgedStarts(state: Pick<StateStore, 'counters'>): Promise<ReadonlySet<string>> {
  const kept = await state.counters.load(KEY);
  return new Set(Array.isArray(kept) ? kept : []);
}

export function auditAcknowledgeCommand(): Command {
  const command = new Command('acknowledge')
    .description('Take every new beginning of an audit for known, so that `audit verify` exits with 0 again.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .action(async (options: { config: string }) => {
      const { config } = await loadConfig(options.config);
      if (!hasStateOfFolder(config.store.path))
        throw new ConfigError(`there is no state in ${config.store.path}`);
      const done = await withState(await openStateFile(config.store.path), async (state) => {
        const known = await acknowledgedStarts(state);
        const fresh: { file: string; sequence: number; hash: string }[] = [];
        for (const { writer, file } of AUDITS)
          for (const { first } of await readStarts(state, writer))
            if (!known.has(first.hash)) fresh.push({ file, ...first });
        if (fresh.length === 0) return [];
        const named = fresh.map(({ file, sequence }) => `${file} from line ${sequence}`);
        return withActionAudit(config, { action: 'audit-acknowledged' }, async () => {
          const hashes = [...known, ...fresh.map(({ hash }) => hash)].slice(-MOST);
          await state.counters.save(KEY, hashes);
          return { result: named, subject: 'audit', detail: named.join(', ') };
        });
      });
      process.stdout.write(
        done.length === 0 ? 'no audit began anew\n' : `acknowledged: ${done.join(', ')}\n`,
      );
    });
  return withNotes(command, {
    examples: [
      ['bartizan audit acknowledge', 'after `bartizan audit verify` showed them, and the cause is known'],
    ],
    text: 'It leaves a line in the audit of the commands. What was put aside stays where it is.',
    exits1: 'state cannot be written',
  });
}
