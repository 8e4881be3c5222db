// Produces the messages of docs/troubleshooting.md by the code that users run.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createSecrets } from '../../adapters/secrets/secrets.ts';
import { createKeyring } from '../../adapters/ssh/keyring.ts';
import { loadConfig, readConfig, secretsFor } from '../../cli/config-file.ts';
import { bastionAdvice } from '../../cli/connect-advice.ts';
import { checkFiles } from '../../cli/file-check.ts';
import { initCommand } from '../../cli/init.ts';
import { formatProblem } from '../../cli/problem-report.ts';
import { selectTargets } from '../../cli/select-targets.ts';
import type { Problem } from '../../core/config/problem.ts';
import { describeError } from '../../core/errors.ts';
import type { Failure } from '../../core/model/observation.ts';
import { startBartizan } from '../../local/up.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import type { Scene } from './scene.ts';

export type Message = (scene: Scene) => string | Promise<string>;

/** README's configuration, in which each message about a file changes one line. */
export const GOOD = `bastions:
  - { name: seoul, host: bastion.example.net, user: probe, privateKey: "\${file:key}" }
clusters:
  - name: prod
    bastion: seoul
    nodes:
      - { name: prod-1, role: controlplane, host: 10.0.1.11, user: probe }
channels:
  - { name: ops, type: webhook, url: "http://127.0.0.1:1/" }
`;

function changed(from: string, to: string): string {
  if (!GOOD.includes(from)) throw new Error(`the configuration lacks ${from}`);
  return GOOD.replace(from, to);
}

function write({ dir }: Scene, text: string): string {
  const file = join(dir, 'bartizan.yaml');
  writeFileSync(file, text);
  return file;
}

const firstOf = (problems: readonly Problem[]): string => {
  const [problem] = problems;
  if (!problem) throw new Error('there is no problem');
  const { excerpt: _, ...rest } = problem;
  return formatProblem(rest);
};

/** The first error or warning that `check` reports of a configuration. */
export const ofFile =
  (from: string, to: string): Message =>
  async (scene) => {
    const file = write(scene, changed(from, to));
    const result = await readConfig(file);
    const found = result.ok
      ? [...result.warnings, ...(await checkFiles(file, result.config))]
      : result.problems;
    return firstOf(found);
  };

/** The first problem of `check` about the files that a configuration names. */
export const ofFiles =
  (from: string, to: string): Message =>
  async (scene) => {
    const file = write(scene, changed(from, to));
    const { config } = await loadConfig(file);
    return firstOf((await checkFiles(file, config)).filter(({ severity }) => severity === 'error'));
  };

/** The text of an error, as the command line prints it. */
export async function thrown(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return `bartizan: ${describeError(error)}`;
  }
  throw new Error('nothing was thrown');
}

/** A row of `check --connect`, without its advice. */
export const ofRow =
  (name: string): Message =>
  ({ rows }) => {
    const row = rows.get(name);
    if (!row) throw new Error(`there is no row ${name}`);
    return `${row.state}  ${row.kind}  ${row.name}  ${row.detail}`;
  };

/** A row about a bastion, from a failure of the network that tests cannot cause. */
export const ofFailure =
  (failure: Failure): Message =>
  () => {
    const context = {
      name: 'seoul',
      host: 'bastion.example.net',
      port: 22,
      user: 'probe',
      key: '',
      line: '',
    };
    return `failed  bastion  seoul  ${bastionAdvice(failure, context).detail}`;
  };

/** Why a private key cannot be used. */
export const ofKey =
  (name: string): Message =>
  ({ dir }) =>
    thrown(() => {
      const bastion = { name: 'seoul', privateKey: `\${file:${name}}` };
      const secrets = createSecrets({ baseDir: dir });
      return createKeyring({ bastions: [bastion as never], clusters: [] }, secrets).ofBastion('seoul');
    });

/** Why `up` does not start with that line in its configuration. */
export const ofStart =
  (line: (scene: Scene) => string, prepare: (scene: Scene) => unknown = () => {}): Message =>
  async (scene) => {
    await prepare(scene);
    const file = write(scene, `${GOOD}${line(scene)}\n`);
    const { config } = await loadConfig(file);
    const logger = createRecordingLogger();
    return thrown(async () => {
      const started = await startBartizan({ config, secrets: secretsFor(file), logger });
      await started.stop();
    });
  };

/** The same while `other` runs. */
export const ofStartBeside =
  (
    line: (port: number) => string,
    other: (scene: Scene) => Promise<{ port: number; close(): Promise<void> }>,
  ): Message =>
  async (scene) => {
    const running = await other(scene);
    try {
      return await ofStart(() => line(running.port))(scene);
    } finally {
      await running.close();
    }
  };

/** A process that has the port. */
export async function takePort(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { port, close: () => new Promise((done) => server.close(() => done())) };
}

/** What `init` says. */
export const ofInit =
  (...args: string[]): Message =>
  ({ dir }) => {
    const file = write({ dir } as Scene, GOOD);
    const stdout = new PassThrough() as unknown as NodeJS.WriteStream;
    const named = args.map((arg) => (arg === 'FILE' ? file : arg));
    return thrown(() => initCommand(stdout).parseAsync(named, { from: 'user' }));
  };

/** A name that no node or cluster has. */
export const ofName =
  (name: string): Message =>
  () =>
    thrown(() => selectTargets([{ cluster: 'prod', node: 'prod-1' } as never], [name]));
