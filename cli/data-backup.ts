import { Command } from 'commander';
import { formatValue } from '../core/format.ts';
import { systemClock } from '../local/clock.ts';
import { backUpData } from '../local/data-backup.ts';
import { restoreData } from '../local/data-restore.ts';
import program from '../package.json' with { type: 'json' };
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { dataBackupShape, dataRestoreShape } from './data-shapes.ts';
import { writeJson } from './json-output.ts';

interface Options {
  config: string;
  force?: boolean;
  json?: boolean;
}

export function backupCommand(): Command {
  const command = new Command('backup')
    .description('Write all data into one file. May run beside `up`.')
    .argument('<file>', 'the new backup, on another disk')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--force', 'replace an older backup of this name')
    .option('--json', 'as JSON')
    .action(async (file: string, options: Options) => {
      const { config } = await loadConfig(options.config);
      const { manifest, bytes, warnings } = await backUpData(config.store.path, file, {
        program: program.version,
        nowMs: systemClock.nowMs,
        replace: options.force ?? false,
      });
      const { takenAtMs } = manifest;
      const files = Object.keys(manifest.files);
      if (config.state !== undefined) warnings.push('state is in PostgreSQL, and not in this file: pg_dump');
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      if (options.json) writeJson(dataBackupShape, { file, bytes, takenAtMs, files: files.length, warnings });
      else
        process.stdout.write(
          `${file}: ${formatValue(bytes, 'bytes')}, ${files.length} files, read back and sound. ` +
            `It has everything until ${new Date(takenAtMs).toISOString()}.\n`,
        );
    });
  return withNotes(command, {
    examples: [
      ['bartizan data backup /backup/bartizan.tar --force', 'each night, by cron'],
      ['bartizan data backup "/backup/bartizan-$(date +%F).tar"'],
    ],
    text:
      'The file is a tar with mode 0600: state, samples, audits, pictures and known_hosts, not the configuration, its secrets and\n' +
      'keys. Do not copy the files of a running `up` instead: a copy of state.db without its write-ahead log lacks alerts, and a\n' +
      'copy made during a write is damaged.',
    exits1: 'there is no backup: the data are damaged or missing, or the file cannot be written',
    json: dataBackupShape,
  });
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('Put a backup into the data folder. Stop `up` first.')
    .argument('<file>', 'a backup')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--force', 'also into a folder with data, which are moved into a folder of their own')
    .option('--json', 'as JSON')
    .action(async (file: string, options: Options) => {
      const { config } = await loadConfig(options.config);
      const dir = config.store.path;
      const { manifest, aside } = await restoreData(dir, file, {
        nowMs: systemClock.nowMs,
        replace: options.force ?? false,
      });
      const { takenAtMs } = manifest;
      const files = Object.keys(manifest.files).length;
      if (options.json) writeJson(dataRestoreShape, { dir, takenAtMs, files, aside: aside ?? null });
      else
        process.stdout.write(
          `${dir} has the data of ${new Date(takenAtMs).toISOString()} again: ${files} files.\n` +
            `${aside === undefined ? '' : `What was there before is in ${aside}, until you delete it.\n`}` +
            'Alerts that fired since then, and still do, are sent again when `up` starts.\n',
        );
    });
  return withNotes(command, {
    examples: [['bartizan data restore /backup/bartizan.tar']],
    text: 'Nothing is changed until the backup was read and checked as a whole. If it is cut off after that, `up` completes it.',
    exits1: 'the folder is in use or not empty, or the backup is damaged, cut off or of a newer version',
    json: dataRestoreShape,
  });
}
