import { Command, InvalidArgumentError, Option } from 'commander';
import { checkSelector, parseSelectorMatcher } from '../core/config/selector.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Matcher } from '../core/model/silence.ts';
import { hasEnded, SCOPES, type Scope, type StoredToken } from '../core/model/token.ts';
import type { StateStore } from '../core/ports.ts';
import { createToken } from '../history/access/token.ts';
import { systemClock } from '../local/clock.ts';
import { withActionAudit } from './action-audit.ts';
import { loginName } from './actor.ts';
import { durationArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { tokenAddShape } from './json-shapes.ts';
import {
  localOption,
  nameOption,
  openStateToWrite,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';
import { describeToken, listedToken } from './token-table.ts';

/** More would make one look for a lost one by hand. */
const MOST_TOKENS = 1_000;
const LONGEST_NAME = 60;

interface AddOptions extends StateOptions {
  config: string;
  scope: Scope;
  selector?: readonly Matcher[];
  expires?: number;
  json?: boolean;
}

export function tokenAddCommand(): Command {
  const command = new Command('add')
    .description('Make a token, and print it: this once.')
    .argument('<name>', 'what it is for, such as grafana', nameArgument)
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option('--scope <scope>', 'read; silence: also add and end silences; admin: also read the audit')
        .choices(SCOPES)
        .default('read'),
    )
    .addOption(
      new Option(
        '--selector <matcher>',
        'the nodes it sees: by cluster, node, role, or a label of your inventory; =, !=, =~, !~; may be repeated, all must match',
      ).argParser(selectorArgument),
    )
    .option(
      '--expires <duration>',
      'refused after so long; default: valid until you revoke it',
      durationArgument,
    )
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(add);
  return withNotes(command, {
    examples: [
      ['bartizan token add grafana --expires 90d'],
      ['bartizan token add acme --selector customer=acme', 'sees the nodes of one customer alone'],
      [`bartizan token add on-call --scope silence --selector 'cluster=~"prod-.*"'`],
      ['bartizan token add grafana --name bartizan', 'in a deployment on AWS'],
    ],
    text: `The token is the only output, so that a script can store it. Clients send it as \`Authorization: Bearer TOKEN\`, or as the password of basic
authentication with any user name. State has a hash of it, from which nobody can make the token. A token with a selector gets
answers as if there were no other nodes; what has no such label, like an alert across clusters, is hidden from it. Regular
expressions have the syntax of RE2 and match the whole value.`,
    exits1: 'the token could not be stored, or a valid one has this name',
    json: tokenAddShape,
  });
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { config } = await loadConfig(options.config);
  const nowMs = systemClock.nowMs();
  const { text, id, hash } = createToken();
  const token: StoredToken = {
    id,
    name,
    hash,
    scope: options.scope,
    ...(options.selector && { selector: options.selector }),
    createdAtMs: nowMs,
    author: loginName(),
    ...(options.expires !== undefined && { expiresAtMs: nowMs + options.expires }),
  };
  const description = describeToken(token, config, nowMs);
  const state = await openStateToWrite(config, await stateTable(config, options), options.config);
  await withState(state, async () => {
    await checkOthers(state, name, nowMs);
    await withActionAudit(config, { action: 'token-added' }, async () => {
      await state.putToken(token);
      return { result: undefined, subject: id, detail: description };
    });
  });
  if (options.json) return writeJson(tokenAddShape, { ...listedToken(token, nowMs), token: text });
  process.stdout.write(`${text}\n`);
}

/** @throws ConfigError */
async function checkOthers(state: StateStore, name: string, nowMs: number): Promise<void> {
  const valid = (await state.listTokens()).filter((one) => !hasEnded(one, nowMs));
  if (valid.some((one) => one.name === name))
    throw new ConfigError(`there is a valid token ${name}; choose another name, or revoke that one`);
  if (valid.length >= MOST_TOKENS)
    throw new ConfigError(
      `there are ${valid.length} valid tokens; revoke some, \`bartizan token list\` shows them`,
    );
}

function nameArgument(text: string): string {
  const name = text.trim();
  if (name === '' || [...name].length > LONGEST_NAME || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name))
    throw new InvalidArgumentError(`Write 1 to ${LONGEST_NAME} visible characters.`);
  return name;
}

function selectorArgument(text: string, before: readonly Matcher[] = []): readonly Matcher[] {
  try {
    const selector = [...before, parseSelectorMatcher(text)];
    checkSelector(selector);
    return selector;
  } catch (error) {
    throw new InvalidArgumentError(`${describeError(error)}.`);
  }
}
