import { Command } from 'commander';
import { ConfigError } from '../core/errors.ts';
import { hasEnded, type StoredToken } from '../core/model/token.ts';
import type { StateStore } from '../core/ports.ts';
import { idOfToken } from '../history/access/token.ts';
import { systemClock } from '../local/clock.ts';
import { withActionAudit } from './action-audit.ts';
import { idArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { tokenShape, tokensShape } from './json-shapes.ts';
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
import { tokenAddCommand } from './token-add.ts';
import { describeToken, listedToken, tokenTable } from './token-table.ts';

type Options = StateOptions & { config: string; json?: boolean };

export function tokenCommand(): Command {
  return new Command('token')
    .description('Make, list and revoke tokens for queries of history.')
    .addCommand(tokenAddCommand().exitOverride())
    .addCommand(listCommand().exitOverride())
    .addCommand(revokeCommand().exitOverride());
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List tokens, without their secrets, which are kept nowhere.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--ended', 'also list tokens that were revoked or have expired')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(async (options: Options & { ended?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const nowMs = systemClock.nowMs();
      const table = await stateTable(config, options);
      const tokens = hasState(config, table)
        ? await withState(await openStateToRead(config, table, options.config), (state) => state.listTokens())
        : [];
      const listed = tokens
        .filter((token) => options.ended || !hasEnded(token, nowMs))
        .map((token) => listedToken(token, nowMs));
      if (options.json) writeJson(tokensShape, listed);
      else process.stdout.write(tokenTable(listed, config, nowMs));
    });
  return withNotes(command, {
    examples: [
      ['bartizan token list'],
      ['bartizan token list --ended'],
      [
        "bartizan token list --json | jq -r '.[] | select(.lastUsedAtMs == null) | .name'",
        'those never used',
      ],
    ],
    text: 'The last use is as of the hour.',
    exits1: 'tokens cannot be read',
    json: tokensShape,
  });
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('Revoke a token: within seconds it is refused everywhere.')
    .argument('<token>', 'its name, its id or the beginning of it, or the token itself', idArgument)
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'print the token as JSON')
    .action(async (text: string, options: Options) => {
      const { config } = await loadConfig(options.config);
      const state = await openStateToWrite(config, await stateTable(config, options), options.config);
      const nowMs = systemClock.nowMs();
      const revoked = await withState(state, (opened) => revoke(opened, text));
      if (options.json) writeJson(tokenShape, listedToken(revoked, nowMs));
      else process.stdout.write(`revoked token ${revoked.id}: ${describeToken(revoked, config, nowMs)}\n`);

      async function revoke(opened: StateStore, called: string): Promise<StoredToken> {
        const meant = tokenCalled(called, await opened.listTokens(), nowMs);
        return withActionAudit(config, { action: 'token-revoked' }, async () => {
          if (!(await opened.revokeToken(meant.id, nowMs)))
            throw new ConfigError(`token ${meant.id} was revoked meanwhile`);
          const result = { ...meant, revokedAtMs: nowMs };
          return { result, subject: meant.id, detail: describeToken(meant, config, nowMs) };
        });
      }
    });
  return withNotes(command, {
    examples: [['bartizan token revoke grafana'], ['bartizan token revoke 1f0c2a7b']],
    exits1: 'there is no such token, or it could not be revoked',
    json: tokenShape,
  });
}

/** @throws ConfigError, which has no word of `text` where that is a token itself */
function tokenCalled(text: string, tokens: readonly StoredToken[], nowMs: number): StoredToken {
  const open = tokens.filter((token) => !hasEnded(token, nowMs));
  const id = idOfToken(text.trim());
  const named = open.filter((token) => token.name === text);
  const meant = named.length > 0 ? named : open.filter((token) => token.id.startsWith(id ?? text));
  const [token] = meant;
  if (token !== undefined && meant.length === 1) return token;
  // What is cut off of a token is a secret still.
  const shown = id ?? (text.startsWith('bzt_') ? 'that begins so' : text);
  const what = token ? `several tokens are meant by ${shown}` : `there is no valid token ${shown}`;
  throw new ConfigError(`${what}; \`bartizan token list\` shows them`);
}
