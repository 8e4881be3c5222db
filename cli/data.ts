import { Argument, Command } from 'commander';
import { DATABASES, type DatabaseName, examineDatabase, moveAside } from '../adapters/sqlite/damage.ts';
import { ConfigError } from '../core/errors.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { loadConfig } from './config-file.ts';
import { renderTable } from './table.ts';

const NAMES = Object.keys(DATABASES) as DatabaseName[];
const LOST: Record<DatabaseName, string> = {
  samples: 'History begins anew; alerts go on as they are.',
  state: 'Alerts begin anew: what still fires is told again, what resolved meanwhile is not.',
};

export function dataCommand(): Command {
  return new Command('data')
    .description('Examine the databases of the data folder, and put a damaged one aside.')
    .addCommand(checkCommand())
    .addCommand(moveAsideCommand());
}

function checkCommand(): Command {
  return new Command('check')
    .description('Read both databases whole and say whether they are sound. May run beside `up`.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ bartizan data check\n\nExit code 1 when one is damaged.')
    .action(async (options: { config: string; json?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const found = NAMES.map((name) => ({ name, ...examineDatabase(config.store.path, name) }));
      if (options.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
      else {
        const rows = found.map((one) => [DATABASES[one.name], one.state, 'detail' in one ? one.detail : '']);
        process.stdout.write(renderTable(['DATABASE', 'STATE', 'DETAIL'], rows));
      }
      if (found.some(({ state }) => state === 'damaged')) process.exitCode = 1;
    });
}

function moveAsideCommand(): Command {
  return new Command('move-aside')
    .description('Rename a damaged database, so that `up` begins with an empty one. Deletes nothing.')
    .addArgument(new Argument('<database>', 'which one').choices(NAMES))
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--force', 'even one that is sound')
    .addHelpText(
      'after',
      `
Examples:
  $ bartizan data move-aside samples
  $ bartizan data move-aside state --force

Stop \`up\` first. A backup that is newer than nothing is better: copy it in place of the file.`,
    )
    .action(async (name: DatabaseName, options: { config: string; force?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const { path } = config.store;
      const lock = lockFolder(path);
      try {
        const condition = examineDatabase(path, name);
        if (condition.state === 'missing') throw new ConfigError(`there is no ${DATABASES[name]} in ${path}`);
        if (condition.state === 'fine' && !options.force) {
          throw new ConfigError(`${DATABASES[name]} is sound; --force puts it aside all the same`);
        }
        const files = moveAside(path, name, systemClock.nowMs());
        process.stdout.write(`put aside in ${path}: ${files.join(', ')}\n${LOST[name]}\n`);
      } finally {
        lock.release();
      }
    });
}
