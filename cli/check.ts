import { Argument, Command } from 'commander';
import type { z } from 'zod';
import type { Problem } from '../core/config/problem.ts';
import { deployProblems } from '../core/deployment/deploy-rules.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { systemClock } from '../local/clock.ts';
import { withNotes } from './command-notes.ts';
import { readConfig, secretsFor } from './config-file.ts';
import { checkConnections } from './connect-check.ts';
import { connectReport, isConnected } from './connect-report.ts';
import type { ConnectRow } from './connect-row.ts';
import { checkCredentials } from './credential-check.ts';
import { checkFiles } from './file-check.ts';
import { writeJson } from './json-output.ts';
import { checkShape } from './json-shapes.ts';
import { countProblems, formatProblem, type Paint, paintFor, plural } from './problem-report.ts';
import { checkSignatures } from './signature-state.ts';
import { checkState } from './state-check.ts';

const DEFAULT_FILE = 'bartizan.yaml';

interface Options {
  config?: string[];
  aws?: boolean;
  json?: boolean;
  connect?: boolean;
}

interface Verdict {
  file: string;
  ok: boolean;
  problems: Problem[];
  config?: Config;
  /** With --connect, when the file has no error. */
  connect?: ConnectRow[];
}

export function checkCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('check')
    .description('Report all problems of configurations at once, each with line, column and a suggestion.')
    .addArgument(new Argument('[files...]', 'configurations').default([], DEFAULT_FILE))
    .option(
      '-c, --config <file>',
      'configuration, as with other commands; may be repeated',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .option(
      '--connect',
      'if the file has no error, connect to every bastion, node and channel in it; sends no message',
    )
    .option('--aws', 'also report settings that cannot run on AWS')
    .option('--json', 'problems as JSON')
    .action(async (named: string[], options: Options) => {
      const given = [...(options.config ?? []), ...named];
      const files = given.length === 0 ? [DEFAULT_FILE] : [...new Set(given)];
      const verdicts: Verdict[] = [];
      for (const file of files) {
        const verdict = await checkFile(file, options);
        const quiet = options.json === true;
        if (options.connect && verdict.config)
          verdict.connect = await checkConnections(verdict.config, secretsFor(file), { quiet });
        verdicts.push(verdict);
      }
      if (options.json) writeJson(checkShape, toJson(verdicts), stdout);
      else stdout.write(asText(verdicts, paintFor(stdout)));
      process.exitCode = verdicts.every(({ ok, connect = [] }) => ok && isConnected(connect)) ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan check'],
      ['bartizan check --connect', 'before the first `up`: can we log in everywhere?'],
      ['bartizan check --aws bartizan.yaml', 'before an upload or a deployment'],
      ['bartizan check staging.yaml prod.yaml'],
      ['bartizan check --json | jq \'.[].problems[] | select(.severity == "error")\''],
    ],
    text: `With --connect every node runs our script once, and the service of each channel is asked whose token it has, if it has a
call for that; for a webhook only the connection is tested. The command also tries which other rights our keys have on
bastions and nodes (commands, sftp, other hosts, Unix sockets …), without doing harm: docs/keys.md. Each failure comes with
advice. Warnings (a variable that is not set here, a silence that is over, a wrong clock, a key with more rights than it
needs) do not change the exit code. If \`store.path\` has the state of an \`up\`, open incidents of channels and routes that
are no longer in the file are warnings. So are files that others can read or write (docs/files.md); a private key that
others may read is an error. Certificates, keys and tokens of checks that are files or variables here are read: one that no check
could use is an error. With --aws the limits of a deployment and of an upload apply. An upload may not change some
settings of its deployment; this command does not know them, and the log of \`plan\` reports them.`,
    exits1: 'a file has an error, or a connection failed',
    json: checkShape,
  });
}

async function checkFile(file: string, { aws }: Options): Promise<Verdict> {
  try {
    const result = await readConfig(file);
    if (result.ok) {
      const { config, warnings } = result;
      const found = [
        ...(await checkFiles(file, config, result.source.included)),
        ...(await checkCredentials(file, config)),
        ...(await checkState(file, config)),
        ...(await checkSignatures(file, config, systemClock.nowMs())),
        ...(aws ? deployProblems(config) : []).map((message) => errorOf(file, message)),
      ];
      const ok = found.every(({ severity }) => severity === 'warning');
      return { file, ok, problems: [...warnings, ...found], config };
    }
    return { file, ok: false, problems: result.problems };
  } catch (error) {
    const message = describeError(error).replace(`${file}: `, '');
    return { file, ok: false, problems: [errorOf(file, message)] };
  }
}

/** A problem of the file as a whole. */
function errorOf(file: string, message: string): Problem {
  return { severity: 'error', file, line: 1, column: 1, path: '', message };
}

function toJson(verdicts: readonly Verdict[]): z.infer<typeof checkShape> {
  return verdicts.map(({ file, ok, problems, connect }) => ({
    file,
    ok: ok && isConnected(connect ?? []),
    problems: problems.map(({ excerpt: _excerpt, ...problem }) => problem),
    ...(connect && { connect }),
  }));
}

/** The problems of each file, and a line with their number. */
function asText(verdicts: readonly Verdict[], paint: Paint): string {
  return verdicts
    .map(({ file, ok, problems, config, connect }) => {
      const lines = problems.map((problem) => `${formatProblem(problem, paint)}\n\n`).join('');
      const sum = [config ? summary(config) : '', countProblems(problems)]
        .filter((text) => text !== '')
        .join('; ');
      const reached = connect ? `\n${connectReport(connect, paint)}` : '';
      return `${lines}${ok ? paint('green', '✓') : paint('red', '✗')} ${paint('bold', file)}: ${sum}\n${reached}`;
    })
    .join('\n');
}

function summary({ bastions, clusters, inventory, checks, rules, channels, routes }: Config): string {
  const nodes = clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0);
  return [
    plural(bastions.length, 'bastion'),
    `${plural(clusters.length, 'cluster')} with ${plural(nodes, 'node')}`,
    ...(inventory.length > 0 ? [plural(inventory.length, 'inventory source')] : []),
    plural(checks.length, 'check'),
    plural(rules.length, 'rule'),
    plural(channels.length, 'channel'),
    plural(routes.length, 'route'),
  ].join(', ');
}
