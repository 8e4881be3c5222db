import { join } from 'node:path';
import { Command } from 'commander';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { queryOf } from '../adapters/audit/find-lines.ts';
import { findAll } from '../adapters/audit/search.ts';
import type { AuditFilter } from '../core/model/audit.ts';
import { withFilter } from './audit-query.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeLines } from './output-lines.ts';

export function auditExportCommand(): Command {
  const command = withFilter(
    new Command('export')
      .description('Print all lines of the audits as JSON lines, as they are in the files.')
      .option('-c, --config <file>', 'configuration', 'bartizan.yaml'),
  ).action(async (options: AuditFilter & { config: string }) => {
    const { config } = await loadConfig(options.config);
    for (const { file } of AUDITS) {
      for await (const records of findAll(join(config.store.path, file), queryOf(options)))
        await writeLines(records.map(({ line }) => line));
    }
  });
  return withNotes(command, {
    examples: [
      ['bartizan audit export > audit.jsonl'],
      ['bartizan audit export --since 2026-11-01 --until 2026-12-01 | zstd > november.jsonl.zst'],
      ['bartizan audit export --since 1h | jq -c \'select(.outcome != "ok")\''],
    ],
    text: `First the audit of \`up\`, then those of the commands, each oldest first; \`writer\` says which a line is of.
It reads compressed files too, needs little memory, and may run beside \`up\`, which can also send each line to a syslog
server (\`audit.syslog\` in the configuration).`,
    exits1: 'an audit cannot be read',
  });
}
