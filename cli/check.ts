import { Argument, Command } from 'commander';
import type { z } from 'zod';
import type { Problem } from '../core/config/problem.ts';
import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import { withNotes } from './command-notes.ts';
import { readConfig, secretsFor } from './config-file.ts';
import { type ConnectRow, checkConnections } from './connect-check.ts';
import { connectReport, isConnected } from './connect-report.ts';
import { writeJson } from './json-output.ts';
import { checkShape } from './json-shapes.ts';
import { countProblems, formatProblem, type Paint, paintFor, plural } from './problem-report.ts';
import { checkState } from './state-check.ts';

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
    .addArgument(new Argument('[files...]', 'configurations').default(['bartizan.yaml'], 'bartizan.yaml'))
    .option(
      '--connect',
      'where the file is right, reach every bastion, node and channel it names; sends nothing',
    )
    .option('--json', 'problems as JSON')
    .action(async (files: string[], options: { json?: boolean; connect?: boolean }) => {
      const verdicts: Verdict[] = [];
      for (const file of files) {
        const verdict = await judge(file);
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
      ['bartizan check staging.yaml prod.yaml'],
      ['bartizan check --json | jq \'.[].problems[] | select(.severity == "error")\''],
    ],
    text: `With --connect every node runs our script once, and a channel's service is asked who we are where it has a call for
that; of a webhook only the connection is looked at. What fails is told with what to do about it. Warnings (a variable
that is not set here, a silence that is over, a clock that is off) change no exit code. Where \`up\` has left its state
in \`store.path\`, open incidents of channels and routes that are gone from the file are told as warnings.`,
    exits1: 'there is an error, or something cannot be reached',
    json: checkShape,
  });
}

async function judge(file: string): Promise<Verdict> {
  try {
    const result = await readConfig(file);
    if (result.ok) {
      const { config, warnings } = result;
      return { file, ok: true, problems: [...warnings, ...(await checkState(file, config))], config };
    }
    return { file, ok: false, problems: result.problems };
  } catch (error) {
    const message = describeError(error).replace(`${file}: `, '');
    return {
      file,
      ok: false,
      problems: [{ severity: 'error', file, line: 1, column: 1, path: '', message }],
    };
  }
}

function toJson(verdicts: readonly Verdict[]): z.infer<typeof checkShape> {
  return verdicts.map(({ file, ok, problems, connect }) => ({
    file,
    ok: ok && isConnected(connect ?? []),
    problems: problems.map(({ excerpt: _excerpt, ...problem }) => problem),
    ...(connect && { connect }),
  }));
}

/** Problems, and behind those of each file one line that sums it up. */
function asText(verdicts: readonly Verdict[], paint: Paint): string {
  return verdicts
    .map(({ file, ok, problems, config, connect }) => {
      const told = problems.map((problem) => `${formatProblem(problem, paint)}\n\n`).join('');
      const sum = [config ? summary(config) : '', countProblems(problems)]
        .filter((text) => text !== '')
        .join('; ');
      const reached = connect ? `\n${connectReport(connect, paint)}` : '';
      return `${told}${ok ? paint('green', '✓') : paint('red', '✗')} ${paint('bold', file)}: ${sum}\n${reached}`;
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
