import { Command } from 'commander';
import type { z } from 'zod';
import { targetsOf } from '../adapters/inventory/file.ts';
import { reportCoverage, type UnwatchedNode, unwatchedText } from '../core/coverage-report.ts';
import { formatPast } from '../core/format.ts';
import { naturalOrder } from '../core/labels.ts';
import type { Config } from '../core/model/config.ts';
import { systemClock } from '../local/clock.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { coverageShape } from './coverage-shape.ts';
import { runningFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import {
  localOption,
  nameOption,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';
import { renderTable } from './table.ts';

/** Nodes of one reason that the table shows; `--json` has all. */
const MOST_ROWS = 20;

interface Options extends StateOptions {
  config: string;
  json?: boolean;
}

export function coverageCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('coverage')
    .description('Say how many nodes are watched, and why others are not.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON, with every node')
    .action(async (options: Options) => {
      const { config } = await loadConfig(options.config);
      const { checks } = config;
      const opened = await openStateToRead(config, await stateTable(config, options), options.config);
      const { targets, problems, statuses } = await withState(opened, async (state) => {
        const { clusters, problems } = await runningFleet(options.config, config, state.counters);
        return { targets: targetsOf(clusters), problems, statuses: await state.listTargetStatus() };
      });
      const nowMs = systemClock.nowMs();
      const found = reportCoverage({ targets, checks, statuses, nowMs });
      const report = { ...found, invalid: problems };
      if (options.json) writeJson(coverageShape, report, stdout);
      else stdout.write(coverageText(report, config, nowMs));
      process.exitCode = report.unwatched.length > 0 || report.invalid.length > 0 ? 1 : 0;
    });
  return withNotes(command, {
    examples: [
      ['bartizan coverage'],
      ['bartizan coverage --name bartizan', 'the deployment on AWS without a name of its own'],
      ['bartizan coverage --json | jq \'.unwatched[] | select(.reason == "auth")\''],
    ],
    text: `A node is watched while at least one check of it succeeds: within five minutes, or two intervals of a slower check. The command
connects to no node; it reads the state of \`up\`, or of a deployment. Its nodes are those: an inventory that does not answer has
its last clusters. Entries that are wrong are listed apart; of these the last good version counts, if there was one.`,
    exits1: 'a node is not watched, an entry of the inventory is wrong, or the state cannot be read',
    json: coverageShape,
  });
}

function coverageText(
  { nodes, watched, unwatched, invalid }: z.infer<typeof coverageShape>,
  config: Config,
  nowMs: number,
): string {
  const missing = unwatched.length > 0 ? `; ${number(unwatched.length)} not` : '';
  const parts = [
    `${number(watched)} of ${number(nodes)} ${nodes === 1 ? 'node' : 'nodes'} watched${missing}\n`,
  ];
  const byReason = [...Map.groupBy(unwatched, ({ reason }) => reason)].sort(
    ([, a], [, b]) => b.length - a.length,
  );
  for (const [reason, some] of byReason) {
    const more =
      some.length > MOST_ROWS ? `  and ${number(some.length - MOST_ROWS)} more: --json has all\n` : '';
    parts.push(
      `\n${number(some.length)} ${reason}: ${unwatchedText(reason)}\n${rowsOf(some, config, nowMs)}${more}`,
    );
  }
  if (invalid.length > 0) {
    const rows = invalid.map(({ source, entry, problem }) => [`  ${source}`, entry, problem]);
    parts.push(
      `\n${number(invalid.length)} wrong in the inventory\n${renderTable(['  SOURCE', 'ENTRY', 'PROBLEM'], rows, [], { wrap: 2 })}`,
    );
  }
  return parts.join('');
}

function rowsOf(nodes: readonly UnwatchedNode[], config: Config, nowMs: number): string {
  const rows = nodes
    .toSorted((a, b) => naturalOrder.compare(`${a.cluster}/${a.node}`, `${b.cluster}/${b.node}`))
    .slice(0, MOST_ROWS)
    .map(({ cluster, node, detail = '', checkedAtMs }) => [
      `  ${cluster}/${node}`,
      checkedAtMs === undefined ? 'never' : formatPast(checkedAtMs, nowMs, config.schedule.timeZone),
      detail,
    ]);
  return renderTable(['  NODE', 'LAST CHECKED', 'DETAIL'], rows, [], { wrap: 2 });
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
