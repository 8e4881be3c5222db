import { stat } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { replaceFile } from '../adapters/files/atomic-write.ts';
import { scriptsToSign } from '../adapters/probes/needs.ts';
import { loadSignatures, signatureFile } from '../adapters/signatures/signature-source.ts';
import { signScripts } from '../adapters/signatures/ssh-keygen.ts';
import { fingerprintOfLine, signerOf } from '../adapters/signatures/sshsig.ts';
import { timeSchema } from '../core/config/field-schemas.ts';
import { parseDuration } from '../core/duration.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import {
  mergeSignatures,
  type Signatures,
  signaturesText,
  timeText,
} from '../core/signatures/signature-file.ts';
import { SCRIPT_NAME } from '../core/signatures/signed-script.ts';
import { systemClock } from '../local/clock.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { plural } from './problem-report.ts';
import { signedScripts } from './signature-state.ts';
import { renderTable } from './table.ts';

const DEFAULT_LIFE = '90d';
/** Until a signature expires, whoever has it and a key of the nodes may run its script. */
const LONGEST_LIFE_SECONDS = 400 * 86_400;

export const catalogueShape = z
  .array(
    z.strictObject({
      name: z.string(),
      sha256: z.string(),
      state: z.enum(['signed', 'expired', 'unsigned']),
      version: z.number().optional(),
      notAfterMs: z.number().optional(),
      signer: z.string().optional().describe('fingerprint of the key that the signature says it is of'),
    }),
  )
  .readonly();

export function catalogueCommand(): Command {
  return new Command('catalogue')
    .description('Sign the scripts that run on nodes, and list which ones are signed.')
    .addCommand(signCommand().exitOverride())
    .addCommand(listCommand().exitOverride());
}

interface SignOptions {
  config: string;
  key: string;
  notAfter?: number;
  scriptVersion?: number;
  out?: string;
  replace?: boolean;
}

function signCommand(): Command {
  const command = new Command('sign')
    .description(
      'Sign every script of this release and configuration, for nodes whose line verifies signatures.',
    )
    .requiredOption(
      '-k, --key <file>',
      'private key; or a public one whose private half ssh-agent or a security key holds',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option(
      '--not-after <when>',
      `nodes refuse the scripts from then on: a duration from now, or a time (default: ${DEFAULT_LIFE})`,
      notAfterArgument,
    )
    .option(
      '--script-version <number>',
      'nodes refuse versions below the one of their line (default: the Unix time in seconds)',
      versionArgument,
    )
    .option('-o, --out <file>', 'file for the signatures (default: `signatures.file` of the configuration)')
    .option('--replace', 'drop the signatures of scripts that this release and configuration do not have')
    .action(async (options: SignOptions) => {
      const { config } = await loadConfig(options.config);
      process.stdout.write(await sign(config, options));
    });
  return withNotes(command, {
    examples: [
      ['bartizan catalogue sign --key ~/.ssh/catalogue', 'asks for the passphrase'],
      ['bartizan catalogue sign --key ~/.ssh/catalogue.pub', 'the private half is in ssh-agent'],
      ['bartizan catalogue sign --key ~/.ssh/catalogue --not-after 30d -o signatures.json'],
    ],
    text: `Run it on your own machine, with ssh-keygen of OpenSSH 8.1 or newer; the machine that monitors needs the file, never
the key. Sign with the next release before you upgrade to it, and again in good time before the signatures expire: a default
rule alerts 14 days before. Valid signatures of other scripts stay in the file, so that the running release goes on. The file
is no secret: it lets nobody in. A node accepts a script until its signature expires, at or above the version of its line;
to refuse earlier ones before that, sign with --replace, and install the line that \`bartizan keys --signed\` prints then.`,
    exits1: 'the configuration, the key or the file cannot be used',
  });
}

async function sign(config: Config, options: SignOptions): Promise<string> {
  const file = options.out ?? config.signatures?.file;
  if (file === undefined)
    throw new ConfigError(
      `${options.config} names no file for signatures: write \`signatures: { file: signatures.json }\`, or use --out`,
    );
  const now = Math.floor(systemClock.nowMs() / 1000);
  const notAfter = options.notAfter ?? now + parseDuration(DEFAULT_LIFE) / 1000;
  const { scriptVersion: version = now } = options;
  const scripts = scriptsToSign(config.checks, config.commands);
  for (const { name } of scripts)
    if (!SCRIPT_NAME.test(name)) throw new ConfigError(`a script cannot be signed under the name ${name}`);
  const exists = await stat(file).catch(() => undefined);
  const before: Signatures = exists ? await loadSignatures(signatureFile(file)) : new Map();
  const highest = [...before.values()].reduce((most, one) => Math.max(most, one.version), 0);
  if (version < highest)
    throw new ConfigError(
      `${file} has version ${highest}, and nodes may refuse the lower ${version}: is the clock of this machine right?`,
    );
  const added = await signScripts(scripts, options.key, { version, notAfter });
  const merged = mergeSignatures(options.replace ? new Map() : before, added, now);
  await replaceFile(file, Buffer.from(signaturesText(merged)));
  const signer = signerOf(added[0]?.signature ?? '');
  const kept = merged.size - added.length;
  return [
    `${plural(added.length, 'script')} signed by ${fingerprintOfLine(signer ?? '')}: version ${version}, until ${timeText(notAfter)}`,
    ...(kept > 0 ? [`${plural(kept, 'valid signature')} of other scripts kept`] : []),
    `written to ${file}`,
    '',
  ].join('\n');
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List the scripts of this release and configuration, and their signatures.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'as JSON')
    .action(async (options: { config: string; json?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const signatures = config.signatures
        ? await loadSignatures(signatureFile(config.signatures.file))
        : new Map();
      const scripts = signedScripts(config, signatures, Math.floor(systemClock.nowMs() / 1000));
      const rows = scripts.map(({ name, sha256, state, signature, signer }) => ({
        name,
        sha256,
        state,
        ...(signature && { version: signature.version, notAfterMs: signature.notAfter * 1000 }),
        ...(signer !== undefined && { signer: fingerprintOfLine(signer) }),
      }));
      if (options.json) writeJson(catalogueShape, rows);
      else
        process.stdout.write(
          renderTable(
            ['SCRIPT', 'SHA-256', 'STATE', 'VERSION', 'UNTIL', 'SIGNER'],
            rows.map(({ name, sha256, state, version, notAfterMs, signer }) => [
              name,
              sha256.slice(0, 16),
              state,
              version === undefined ? '' : String(version),
              notAfterMs === undefined ? '' : timeText(notAfterMs / 1000),
              signer ?? '',
            ]),
          ),
        );
      if (config.signatures && rows.some(({ state }) => state !== 'signed')) process.exitCode = 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan catalogue list'],
      ['bartizan catalogue list --json | jq -r \'.[] | select(.state != "signed") | .name\''],
    ],
    text: 'It verifies no signature: nodes do, and `bartizan check --connect` asks them.',
    exits1: 'a script has no valid signature, although the configuration has `signatures`',
    json: catalogueShape,
  });
}

/** Unix time in seconds. */
function notAfterArgument(text: string): number {
  const now = Math.floor(systemClock.nowMs() / 1000);
  const time = timeSchema.safeParse(text);
  let second: number;
  try {
    second = Math.floor(time.success ? time.data / 1000 : now + parseDuration(text) / 1000);
  } catch {
    throw new InvalidArgumentError('Write a duration such as 90d, or a time such as 2027-03-01T00:00:00Z.');
  }
  if (second <= now) throw new InvalidArgumentError('It must be in the future.');
  if (second > now + LONGEST_LIFE_SECONDS)
    throw new InvalidArgumentError(
      'It may be 400 days from now at most: until then scripts can be replayed.',
    );
  return second;
}

function versionArgument(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > 2_147_483_647)
    throw new InvalidArgumentError('It is a whole number from 1 to 2147483647.');
  return Number(text);
}
