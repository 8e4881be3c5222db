import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Alert } from '../core/model/alert.ts';
import type { Config } from '../core/model/config.ts';
import type { Matcher, StoredSilence } from '../core/model/silence.ts';
import { coveredBy, draftSilence } from '../core/notify/silence-draft.ts';
import { describeSilence } from '../core/notify/silence-text.ts';
import { labelsText } from '../core/notify/summary.ts';
import { systemClock } from '../local/clock.ts';
import { withActionAudit } from './action-audit.ts';
import { loginName } from './actor.ts';
import { durationArgument, idArgument, unknownAlertLabel } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { silenceAddShape } from './json-shapes.ts';
import { type RemoteOptions, remoteOf, withRemote } from './remote.ts';
import { addRemoteSilence } from './remote-silences.ts';
import { matcherArgument, matchersOf, silenceWarnings, timeArgument, type Where } from './silence-draft.ts';
import { SHORT_ID } from './silence-table.ts';
import {
  localOption,
  nameOption,
  openStateToWrite,
  type StateOptions,
  stateTable,
  tableOption,
} from './state-access.ts';

interface AddOptions extends StateOptions, RemoteOptions {
  config: string;
  where?: Where;
  alert?: string;
  for?: number;
  from?: number;
  comment?: string;
  author?: string;
  json?: boolean;
}

export function silenceAddCommand(): Command {
  const command = withRemote(new Command('add'))
    .description('Add a silence, or acknowledge one alert until it resolves. Rules are still evaluated.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option(
        '-w, --where <label=glob>',
        'the alerts to silence; also label!=value, label=~regex, label!~regex; may be repeated, all must match',
      ).argParser(matcherArgument),
    )
    .addOption(
      new Option('--alert <id>', 'acknowledge this alert: no further message until it resolves')
        .argParser(idArgument)
        .conflicts('where'),
    )
    .option(
      '--for <duration>',
      'how long; an acknowledgement lasts until the alert resolves, unless given',
      durationArgument,
    )
    .option('--from <time>', 'when it begins, ISO 8601 with a time zone; default: now', timeArgument)
    .option('--comment <text>', 'why; shown in lists of silences')
    .option('--author <name>', 'who; default: your login name')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'print the silence as JSON')
    .action((options: AddOptions) => add(command, options));
  return withNotes(command, {
    examples: [
      ['bartizan silence add --where node=prod-1 --for 2h --comment "disk swap"'],
      ["bartizan silence add -w cluster='prod-*' -w severity!=critical --for 1d --comment upgrade"],
      [
        'bartizan silence add --name bartizan -w node=prod-1 --for 2h --comment swap',
        'in a deployment on AWS',
      ],
      ['bartizan silence add --alert memory-3fa9c1d2 --comment "on it"', 'ids: `bartizan alerts`'],
    ],
    text: `A silence also covers alerts that are pending when it is added, and that fire later. Messages that it withholds are sent
when it ends, if the alert still fires. For an acknowledged alert the only further message is the resolved one; a new
firing is sent again. Regular expressions have the syntax of RE2 and match the whole value; a missing label has the
value ''. Silences of the configuration apply too. \`up\` may run meanwhile, and needs no restart.`,
    exits1: 'the silence could not be added',
    json: silenceAddShape,
  });
}

async function add(command: Command, options: AddOptions): Promise<void> {
  const wrong = (text: string) => command.error(`error: ${text}`, { exitCode: 2 });
  const matchers = options.where === undefined ? [] : matchersOf(options.where);
  if (options.alert === undefined && matchers.length === 0) wrong('say which alerts: `--where` or `--alert`');
  if (options.alert === undefined && options.for === undefined) wrong('say how long: `--for 2h`');
  if (options.alert === undefined && !options.comment?.trim()) wrong('say why: `--comment "disk swap"`');
  const client = await remoteOf(command, options);
  if (client) return await addRemote(client, matchers, options);
  const { config } = await loadConfig(options.config);
  const strange = unknownAlertLabel(
    matchers.map(({ name }) => name),
    config,
  );
  if (strange !== undefined) wrong(strange);
  const nowMs = systemClock.nowMs();
  const fromMs = options.from ?? nowMs;
  if (options.for !== undefined && fromMs + options.for <= nowMs) wrong('it would end in the past');
  const state = await openStateToWrite(config, await stateTable(config, options), options.config);
  try {
    const alerts = (await state.listAlerts()).map(({ value }) => value);
    const acknowledged = options.alert === undefined ? undefined : alertCalled(options.alert, alerts);
    const silence = draftSilence(
      acknowledged ? { alert: acknowledged } : { matchers },
      {
        id: randomUUID(),
        fromMs,
        forMs: options.for,
        author: options.author ?? loginName(),
        comment: options.comment ?? 'acknowledged',
      },
      nowMs,
    );
    const warnings = acknowledged ? [] : await findings(options.config, silence);
    // Described before it is stored, so that no silence is active which cannot be described.
    const detail = describeSilence(silence, config, nowMs);
    await withActionAudit(config, { action: 'silence-added' }, async () => {
      await state.putSilence(silence);
      return { result: undefined, subject: silence.id, detail };
    });
    const covered = coveredBy(silence, alerts, config.rules);
    if (options.json) writeJson(silenceAddShape, { silence, covers: covered.map(({ id }) => id), warnings });
    else {
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      process.stdout.write(addedText(silence, covered, config, nowMs));
    }
  } finally {
    await state.close();
  }
}

async function addRemote(
  client: HistoryClient,
  matchers: readonly Matcher[],
  options: AddOptions,
): Promise<void> {
  const { alert, from: fromMs, for: forMs, author = loginName(), comment = 'acknowledged' } = options;
  const asked = { matchers, alert, fromMs, forMs, author, comment };
  const { silence, covered, config, nowMs } = await addRemoteSilence(client, asked, alertCalled);
  if (options.json)
    writeJson(silenceAddShape, { silence, covers: covered.map(({ id }) => id), warnings: [] });
  else process.stdout.write(addedText(silence, covered, config, nowMs));
}

/** A source of clusters that does not answer does not prevent a silence. */
async function findings(file: string, { matchers }: StoredSilence): Promise<string[]> {
  try {
    return silenceWarnings(matchers, await loadFleet(file));
  } catch (error) {
    return [`whether it matches a node is unknown: ${describeError(error)}`];
  }
}

function alertCalled<T extends { id: string }>(id: string, alerts: readonly T[]): T {
  const exact = alerts.filter((alert) => alert.id === id);
  const meant = exact.length > 0 ? exact : alerts.filter((alert) => alert.id.startsWith(id));
  const [alert] = meant;
  if (alert === undefined || meant.length > 1) {
    const what = meant.length > 1 ? `several alerts begin with ${id}` : `no alert ${id} is pending or firing`;
    throw new ConfigError(`${what}; \`bartizan alerts\` lists them with their ids`);
  }
  return alert;
}

const COVERED_SHOWN = 5;

function addedText(
  silence: StoredSilence,
  covered: readonly Pick<Alert, 'rule' | 'labels'>[],
  config: Pick<Config, 'schedule'>,
  nowMs: number,
): string {
  const shown = covered
    .slice(0, COVERED_SHOWN)
    .map(({ rule, labels }) => `  ${rule} ${labelsText(labels)}\n`);
  const more = covered.length > shown.length ? `  and ${covered.length - shown.length} more\n` : '';
  const now = covered.length === 0 ? 'covers no alert now\n' : `covers now:\n${shown.join('')}${more}`;
  return `silence ${silence.id.slice(0, SHORT_ID)}: ${describeSilence(silence, config, nowMs)}\n${now}`;
}
