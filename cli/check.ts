import { Argument, Command } from 'commander';
import type { z } from 'zod';
import type { Problem } from '../core/config/problem.ts';
import { deployProblems } from '../core/deployment/deploy-rules.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { withNotes } from './command-notes.ts';
import { readConfig, secretsFor } from './config-file.ts';
import { checkConnections } from './connect-check.ts';
import { connectReport, isConnected } from './connect-report.ts';
import type { ConnectRow } from './connect-row.ts';
import { checkFiles } from './file-check.ts';
import { writeJson } from './json-output.ts';
import { checkShape } from './json-shapes.ts';
import { countProblems, formatProblem, type Paint, paintFor, plural } from './problem-report.ts';
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
  /** With --connect, where the file is right. */
  connect?: ConnectRow[];
}

export function checkCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('check')
    .description(
      'Say what is wrong with configurations: all problems at once, each with its place and a suggestion.',
    )
    .addArgument(new Argument('[files...]', 'configurations').default([], DEFAULT_FILE))
    .option(
      '-c, --config <file>',
      'configuration, as every other command has it; may be repeated',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .option(
      '--connect',
      'where the file is right, reach every bastion, node and channel it names; sends nothing',
    )
    .option('--aws', 'also what cannot run in a deployment on AWS')
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
      ['bartizan check --connect', 'before the first `up`: does everything let us in?'],
      ['bartizan check --aws bartizan.yaml', 'before it is uploaded or deployed'],
      ['bartizan check staging.yaml prod.yaml'],
      ['bartizan check --json | jq \'.[].problems[] | select(.severity == "error")\''],
    ],
    text: `With --connect every node runs our script once, and a channel's service is asked who we are where it has a call for
that; of a webhook only the connection is looked at. On bastions and nodes it tries what else our keys may do (commands,
sftp, other hosts, Unix sockets …) and does no harm: docs/keys.md. What fails is told with what to do about it. Warnings
(a variable that is not set here, a silence that is over, a clock that is off, a key that may do more than it needs)
change no exit code. Where \`up\` has left its state in \`store.path\`, open incidents of channels and routes that are gone
from the file are warnings. So are files that others can read or write (docs/files.md); a private key that others
may read is an error. With --aws the rules are those of a deployment and of an upload to one; what a deployment has that an
upload may not change, only the log of its \`plan\` says.`,
    exits1: 'there is an error, or something cannot be reached',
    json: checkShape,
  });
}

async function checkFile(file: string, { aws }: Options): Promise<Verdict> {
  try {
    const result = await readConfig(file);
    if (result.ok) {
      const { config, warnings } = result;
      const found = [
        ...(await checkFiles(file, config)),
        ...(await checkState(file, config)),
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

/** The problems of each file, and a line that sums them up. */
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
