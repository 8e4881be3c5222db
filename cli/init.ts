import { accessSync, closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, describeError } from '../core/errors.ts';
import { withNotes } from './command-notes.ts';
import { type Endpoint, firstAnswers, parseEndpoint, parseName, parseUser } from './first-answers.ts';
import { usualKey } from './first-key.ts';
import { createQuestions } from './first-questions.ts';
import { type FirstRun, firstRun } from './first-run.ts';
import { SCHEMA_FILE, schemaText } from './schema.ts';
import { firstConfig, STARTER } from './starter.ts';
import { addFingerprint } from './trust.ts';
import { quoted } from './tunnel-texts.ts';

interface Options {
  bastion?: Endpoint;
  user?: string;
  key?: string;
  node?: Endpoint;
  cluster: string;
  yes?: boolean;
  fingerprint: ReadonlySet<string>;
  template?: boolean;
}

export function initCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('init')
    .description(
      'Ask for a bastion, a key and one node, write a configuration with them, learn their host keys, connect, and probe.',
    )
    .argument('[file]', 'where to; a file that exists is never overwritten', 'bartizan.yaml')
    .addOption(new Option('--bastion <[user@]host[:port]>', 'the bastion').argParser(argument(parseEndpoint)))
    .addOption(
      new Option('--user <name>', 'user on bastion and node, where these name none').argParser(
        argument(parseUser),
      ),
    )
    .option(
      '--key <file>',
      'private key for both; your ssh-agent must hold it where it has a passphrase, or only its public key is named',
    )
    .addOption(
      new Option('--node <[user@]host[:port]>', 'a control-plane VM, as the bastion reaches it').argParser(
        argument(parseEndpoint),
      ),
    )
    .addOption(
      new Option('--cluster <name>', 'name of its cluster').argParser(argument(parseName)).default('prod'),
    )
    .option('-y, --yes', 'ask nothing that has a usual answer, and accept the host keys without showing them')
    .addOption(
      new Option(
        '--fingerprint <SHA256:…>',
        'accept this host key without asking; may be given several times',
      )
        .argParser(addFingerprint)
        .default(new Set<string>(), 'none'),
    )
    .addOption(
      new Option('--template', 'only write a commented file to fill in').conflicts([
        'bastion',
        'user',
        'key',
        'node',
        'yes',
        'cluster',
        'fingerprint',
      ]),
    )
    .action(async (file: string, options: Options) => {
      checkAbsent(file);
      if (options.template) {
        stdout.write(await writeConfig(file, STARTER));
        stdout.write(`\nNext: write your bastion and nodes into ${file}, then\n${stepsText(file, STEPS)}`);
        return;
      }
      const result = await askAndRun(file, options, stdout);
      process.exitCode = result === 'complete' ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan init', 'asks'],
      ['bartizan init --bastion probe@gate.example.net --key ~/.ssh/probe --node 10.0.1.11 --yes'],
      ['bartizan init --template /etc/bartizan/bartizan.yaml'],
    ],
    text: `Nothing is written before the last answer: Ctrl-C leaves no file. Then it does what \`trust\`, \`check --connect\` and
\`probe\` do, and stops at the first that fails, with advice; the file stays, and these commands go on with it. A script needs
--bastion, --node and --yes, or --fingerprint for each host key that it expects. The JSON Schema for editors is written beside the file.`,
    exits1: 'the file exists or cannot be written, nobody can be asked, or a step failed',
  });
}

const STEPS = ['check', 'trust', 'check --connect', 'probe', 'up'] as const;

async function askAndRun(file: string, options: Options, stdout: NodeJS.WriteStream): Promise<FirstRun> {
  const { yes = false, fingerprint } = options;
  const isThere = process.stdin.isTTY === true;
  if (!isThere) await checkAnswered(options);
  const print = (text: string) => void process.stderr.write(text);
  const terminal = isThere ? createInterface({ input: process.stdin, output: process.stderr }) : undefined;
  const ask = createQuestions(terminal, { takesUsual: yes, print });
  const answers = await firstAnswers(options, file, ask).finally(() => terminal?.close());
  stdout.write(await writeConfig(file, firstConfig(answers)));
  const result = await firstRun(file, { yes, fingerprint }, stdout);
  const { cluster, node } = answers;
  stdout.write(
    result === 'complete'
      ? `\n${file} works: \`bartizan up\` watches ${cluster}/${node.name}.\nAdd your other nodes and a channel to it, then\n`
      : `\n${file} is complete, but this step failed. Correct the cause, or the file, then\n`,
  );
  // Where the probe failed all host keys are known; else other nodes, or a host that did not answer, have keys to learn.
  stdout.write(stepsText(file, STEPS.slice(STEPS.indexOf(result === 'probe' ? 'probe' : 'trust'))));
  return result;
}

/** @throws ConfigError with all options that a command without a terminal lacks */
async function checkAnswered({ bastion, node, key, yes, fingerprint }: Options): Promise<void> {
  const missing = [
    bastion ? '' : '--bastion',
    (key ?? (await usualKey())) ? '' : '--key',
    node ? '' : '--node',
    yes || fingerprint.size > 0 ? '' : '--yes (or --fingerprint for each host key)',
  ].filter((option) => option !== '');
  if (missing.length > 0)
    throw new ConfigError(
      `nobody can be asked here; give ${missing.join(', ')}, or write a file to fill in with --template`,
    );
}

function stepsText(file: string, steps: readonly string[]): string {
  const option = file === 'bartizan.yaml' ? '' : ` -c ${quoted(file)}`;
  return steps.map((step) => `  bartizan ${step}${option}\n`).join('');
}

function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(describeError(error));
    }
  };
}

/** @throws ConfigError before any question when the file exists, or its folder does not or cannot be written */
function checkAbsent(file: string): void {
  if (existsSync(file))
    throw new ConfigError(
      `${file} exists, and init overwrites nothing; go on with it:\n${stepsText(file, STEPS)}`.trimEnd(),
    );
  if (!existsSync(dirname(file)))
    throw new ConfigError(`the folder ${relative('', dirname(file)) || '.'} does not exist`);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new ConfigError(
      `nothing can be written into the folder ${resolve(dirname(file))}; choose another one, or another user`,
      { cause },
    );
  }
}

/**
 * Writes the configuration, and the schema where there is none; both or nothing. Returns a line about it.
 * @throws ConfigError
 */
async function writeConfig(file: string, text: string): Promise<string> {
  const schema = join(dirname(file), SCHEMA_FILE);
  const created: string[] = [];
  // A signal waits for the end of both writes.
  const wait = () => {};
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wait);
  try {
    for (const [path, content] of [
      [schema, schemaText()],
      [file, text],
    ] as const) {
      if (path === schema && existsSync(schema)) continue;
      const fd = openSync(path, 'wx');
      created.push(path);
      try {
        writeFileSync(fd, content);
      } finally {
        closeSync(fd);
      }
    }
  } catch (cause) {
    for (const path of created) rmSync(path, { force: true });
    const { code = 'unknown error' } = cause as { code?: string };
    throw new ConfigError(
      code === 'EEXIST'
        ? `${file} exists, and init overwrites nothing`
        : `${file} cannot be written (${code})`,
      { cause },
    );
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, wait);
  }
  const isOurs =
    created.includes(schema) || (await readFile(schema, 'utf8').catch(() => '')) === schemaText();
  const about = isOurs
    ? `and ${SCHEMA_FILE} beside it for completion and checks in editors`
    : `beside a ${SCHEMA_FILE} of another release, which \`bartizan schema > ${schema}\` replaces`;
  return `wrote ${file}, ${about}\n`;
}
