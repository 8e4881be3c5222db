import { Argument, Command } from 'commander';
import { checkIntegrity, DATABASES, type DatabaseName, moveAside } from '../adapters/sqlite/integrity.ts';
import { ConfigError } from '../core/errors.ts';
import { systemClock } from '../local/clock.ts';
import { lockData } from '../local/lock.ts';
import { auditRows } from './audit-verify.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { backupCommand, restoreCommand } from './data-backup.ts';
import { writeJson } from './json-output.ts';
import { dataCheckShape } from './json-shapes.ts';
import { renderTable } from './table.ts';

const NAMES = Object.keys(DATABASES) as DatabaseName[];
const LOST: Record<DatabaseName, string> = {
  samples: 'History starts empty; alerts keep their state.',
  state: 'Alerts start empty: those that still fire are sent again, those that resolved meanwhile are not.',
};

export function dataCommand(): Command {
  return new Command('data')
    .description('Check, back up and restore the data folder, and put a damaged database aside.')
    .addCommand(checkCommand().exitOverride())
    .addCommand(moveAsideCommand().exitOverride())
    .addCommand(backupCommand().exitOverride())
    .addCommand(restoreCommand().exitOverride());
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('Read both databases and the audits completely, and report damage. May run beside `up`.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'as JSON')
    .action(async (options: { config: string; json?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const databases = NAMES.map((name) => ({ name, ...checkIntegrity(config.store.path, name) }));
      const found = [...databases, ...(await auditRows(config))];
      if (options.json) writeJson(dataCheckShape, found);
      else {
        const fileOf = (name: string) => DATABASES[name as DatabaseName] ?? name;
        const rows = found.map((one) => [fileOf(one.name), one.state, ('detail' in one && one.detail) || '']);
        process.stdout.write(renderTable(['DATA', 'STATE', 'DETAIL'], rows));
      }
      if (found.some(({ state }) => state === 'damaged')) process.exitCode = 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan data check'],
      ['bartizan data check --json | jq -r \'.[] | select(.state == "damaged") | .name\''],
    ],
    exits1: 'a database is damaged, or an audit does not hold',
    json: dataCheckShape,
  });
}

function moveAsideCommand(): Command {
  const command = new Command('move-aside')
    .description('Rename a damaged database, so that `up` begins with an empty one. Deletes nothing.')
    .addArgument(new Argument('<database>', 'which one').choices(NAMES))
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--force', 'also when it is not damaged')
    .action(async (name: DatabaseName, options: { config: string; force?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const { path } = config.store;
      const lock = lockData(path);
      try {
        const condition = checkIntegrity(path, name);
        if (condition.state === 'missing') throw new ConfigError(`there is no ${DATABASES[name]} in ${path}`);
        if (condition.state === 'fine' && !options.force) {
          throw new ConfigError(`${DATABASES[name]} is not damaged; --force puts it aside anyway`);
        }
        const files = moveAside(path, name, systemClock.nowMs());
        process.stdout.write(`put aside in ${path}: ${files.join(', ')}\n${LOST[name]}\n`);
      } finally {
        lock.release();
      }
    });
  return withNotes(command, {
    examples: [
      ['bartizan data move-aside samples'],
      ['bartizan data move-aside state --force', 'also when it is not damaged'],
    ],
    text: 'Stop `up` first. If you have a backup, `data restore` it instead.',
    exits1: 'the database is not damaged, is missing, or is in use',
  });
}
