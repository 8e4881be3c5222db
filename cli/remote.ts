// Commands that read a history service instead of local files: `--url`, or BARTIZAN_URL.

import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { createHistoryClient, type HistoryClient } from '../adapters/history-client/client.ts';
import { networkOf } from '../adapters/http/network.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { secretsFor, unreadable } from './config-file.ts';

export interface RemoteOptions {
  url?: string;
  ca?: string;
}

/** What tables need of a configuration. */
export type ShownConfig = Pick<Config, 'rules' | 'checks' | 'schedule'> & {
  store: Pick<Config['store'], 'retentionMs'>;
};

/** The token is never an argument: those stand in lists of processes and in histories of shells. */
export function withRemote(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--url <address>',
        'ask the history service there, with the token in BARTIZAN_TOKEN, instead of reading local files',
      ).env('BARTIZAN_URL'),
    )
    .addOption(new Option('--ca <file>', 'with --url: certificates (PEM) of a private authority to trust'));
}

/** Options that mean files, or state, of this side. */
const LOCAL = ['config', 'local', 'name', 'table'] as const;

/** A client, where the service was asked for; whoever names a configuration or a table means that, whatever the environment has. */
export async function remoteOf(
  command: Command,
  { url, ca }: RemoteOptions,
): Promise<HistoryClient | undefined> {
  if (url === undefined || url === '') return undefined;
  const other = LOCAL.find((name) => command.getOptionValueSource(name) === 'cli');
  if (other !== undefined && command.getOptionValueSource('url') === 'cli')
    command.error(`error: \`--url\` and \`--${other}\` exclude each other`, { exitCode: 2 });
  if (other !== undefined) return undefined;
  const { BARTIZAN_TOKEN: token } = process.env;
  const network = ca === undefined ? undefined : await networkOf({ ca: await readCa(ca) }, secretsFor('.'))();
  return createHistoryClient({ url, token: token === '' ? undefined : token, ...(network && { network }) });
}

async function readCa(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`--ca ${file}: ${unreadable(error)}`);
  });
}

const configShape = z.object({ rules: z.array(z.looseObject({})), checks: z.array(z.looseObject({})) });
const statusShape = z.object({ nowMs: z.number(), timeZone: z.string(), retentionMs: z.number() });

/** Rules, checks and time zone of the service, and its time. */
export async function readShownConfig(
  client: HistoryClient,
): Promise<{ config: ShownConfig; nowMs: number }> {
  const { nowMs, timeZone, retentionMs } = await client.get('/v1/status', {}, statusShape);
  const { rules, checks } = await client.get('/v1/rules', {}, configShape);
  // The service validated them, and its answers are described by a schema.
  const config = { rules, checks, schedule: { timeZone }, store: { retentionMs } } as unknown as ShownConfig;
  return { config, nowMs };
}

/** All pages of a list. */
export async function readPages<T, Name extends string>(
  client: HistoryClient,
  path: string,
  query: Parameters<HistoryClient['get']>[1],
  { name, item }: { name: Name; item: z.ZodType<T> },
): Promise<T[]> {
  const shape = z.object({ [name]: z.array(item), next: z.string().optional() });
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = (await client.get(path, { ...query, limit: 1_000, cursor }, shape)) as Record<
      string,
      unknown
    >;
    found.push(...(page[name] as T[]));
    cursor = page.next as string | undefined;
  } while (cursor !== undefined);
  return found;
}
