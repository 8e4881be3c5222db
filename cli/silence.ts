import { Command } from 'commander';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import { ConfigError } from '../core/errors.ts';
import { listedSilences } from '../core/notify/listed-silences.ts';
import { describeSilence } from '../core/notify/silence-text.ts';
import type { StateStore } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { withActionAudit } from './action-audit.ts';
import { idArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { silenceEndShape, silencesShape } from './json-shapes.ts';
import { type RemoteOptions, remoteOf, withRemote } from './remote.ts';
import { endRemoteSilence, readRemoteSilences } from './remote-silences.ts';
import { silenceAddCommand } from './silence-add.ts';
import { SHORT_ID, silenceTable } from './silence-table.ts';
import {
  hasState,
  localOption,
  nameOption,
  openStateToRead,
  openStateToWrite,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';

interface ExpireOptions extends StateOptions, RemoteOptions {
  config: string;
  json?: boolean;
}

interface ListOptions extends ExpireOptions {
  expired?: boolean;
}

export function silenceCommand(): Command {
  return new Command('silence')
    .description('Withhold messages for a while, acknowledge an alert; list and end silences.')
    .addCommand(silenceAddCommand().exitOverride())
    .addCommand(listCommand().exitOverride())
    .addCommand(expireCommand().exitOverride());
}

function listCommand(): Command {
  const command = withRemote(new Command('list'))
    .description('List silences: those added at run time, and those of the configuration file.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--expired', 'also list silences that ended')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(async (options: ListOptions) => {
      const client = await remoteOf(command, options);
      const { listed, config, nowMs } = client
        ? await readRemoteSilences(client, options)
        : await readSilences(options);
      if (options.json) writeJson(silencesShape, listed);
      else process.stdout.write(silenceTable(listed, config, nowMs));
    });
  return withNotes(command, {
    examples: [
      ['bartizan silence list'],
      ['bartizan silence list --expired'],
      ['bartizan silence list --name bartizan', 'the deployment on AWS without a name of its own'],
      ['bartizan silence list --url https://bartizan.example.com', 'with the token in BARTIZAN_TOKEN'],
      ["bartizan silence list --json | jq -r '.[] | [.id, .author, .comment] | @tsv'"],
    ],
    exits1: 'silences cannot be read',
    json: silencesShape,
  });
}

async function readSilences(options: ListOptions) {
  const { config } = await loadConfig(options.config);
  const nowMs = systemClock.nowMs();
  const read = async (state: StateStore) => ({
    stored: await state.listSilences({ endedAfterMs: options.expired ? 0 : nowMs }),
    alerts: (await state.listAlerts()).map(({ value }) => value),
  });
  const table = await stateTable(config, options);
  const found = hasState(config, table)
    ? await withState(await openStateToRead(config, table, options.config), read)
    : { stored: [], alerts: [] };
  const all = listedSilences({ ...found, file: config.silences, nowMs });
  return { listed: all.filter(({ state }) => options.expired || state !== 'expired'), config, nowMs };
}

function expireCommand(): Command {
  const command = withRemote(new Command('expire'))
    .description('End a silence now. Withheld alerts that still fire are sent.')
    .argument('<silence>', 'its id, or the beginning of it', idArgument)
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'print the silence as JSON')
    .action(async (id: string, options: ExpireOptions) => {
      const client = await remoteOf(command, options);
      if (/^file:/.test(id)) throw ofFile(id, client ? undefined : options.config);
      const { ended, config, nowMs } = client ? await expireRemote(client, id) : await expire(id, options);
      if (options.json) writeJson(silenceEndShape, ended);
      else
        process.stdout.write(
          `ended silence ${ended.id.slice(0, SHORT_ID)}: ${describeSilence(ended, config, nowMs)}\n`,
        );
    });
  return withNotes(command, {
    examples: [['bartizan silence expire 1f0c2a7b']],
    text: 'A silence of the configuration ends when you remove it from the file.',
    exits1: 'no such silence is active, or it is in the configuration',
    json: silenceEndShape,
  });
}

async function expire(id: string, options: ExpireOptions) {
  const { config } = await loadConfig(options.config);
  const state = await openStateToWrite(config, await stateTable(config, options), options.config);
  const nowMs = systemClock.nowMs();
  const ended = await withState(state, async () => {
    const meant = silenceCalled(id, await state.listSilences({ endedAfterMs: nowMs }));
    return withActionAudit(config, { action: 'silence-ended' }, async () => {
      // Notify notices that silences changed, and decides every open incident again.
      if (!(await state.expireSilence(meant.id, nowMs)))
        throw new ConfigError(`silence ${id} has ended meanwhile`);
      return { result: meant, subject: meant.id, detail: describeSilence(meant, config, nowMs) };
    });
  });
  return { ended, config, nowMs };
}

async function expireRemote(client: HistoryClient, id: string) {
  const { listed, config, nowMs } = await readRemoteSilences(client, {});
  const stored = listed.filter(({ source, state }) => source === 'state' && state !== 'expired');
  const { id: whole } = silenceCalled(id, stored);
  return { ended: await endRemoteSilence(client, whole), config, nowMs };
}

function ofFile(id: string, file = 'its configuration'): ConfigError {
  const index = Number(id.slice('file:'.length)) - 1;
  const where = Number.isInteger(index) && index >= 0 ? `, \`silences[${index}]\`` : '';
  return new ConfigError(
    `silences of the configuration do not end at run time; remove it from ${file}${where}, and restart`,
  );
}

function silenceCalled<T extends { id: string }>(id: string, silences: readonly T[]): T {
  const meant = silences.filter((silence) => silence.id.startsWith(id));
  const [silence] = meant;
  if (silence === undefined || meant.length > 1) {
    const what = meant.length > 1 ? `several silences begin with ${id}` : `no silence ${id} is active`;
    throw new ConfigError(`${what}; \`bartizan silence list\` shows them`);
  }
  return silence;
}
