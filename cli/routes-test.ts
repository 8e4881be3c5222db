import { Argument, Command, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { targetsOf } from '../adapters/inventory/file.ts';
import { formatDuration } from '../core/duration.ts';
import { ConfigError } from '../core/errors.ts';
import { formatMoment } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Labels } from '../core/model/labels.ts';
import { SEVERITIES } from '../core/model/rule.ts';
import { compileCovering, inhibitors, listedSilences } from '../core/notify/listed-silences.ts';
import { type RouteStep, traceRoutes } from '../core/notify/route-trace.ts';
import { describeMatchers } from '../core/notify/silence-text.ts';
import { choose } from '../core/text/suggestions.ts';
import { systemClock } from '../local/clock.ts';
import { checkAlertLabel, unknownAlertLabel } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { routesTestShape } from './json-shapes.ts';
import { SHORT_ID } from './silence-table.ts';
import {
  hasState,
  localOption,
  nameOption,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';
import { labelText, renderTable } from './table.ts';

type Trace = z.infer<typeof routesTestShape>;
type Withholding = Trace['withheldBy'][number];

export function routesCommand(): Command {
  // Set before `test` is created, which inherits it: the program turns wrong usage into an exit code.
  const routes = new Command('routes')
    .description('Try routes: `routes test` shows who would get an alert.')
    .exitOverride();
  const test = routes
    .command('test')
    .description('Show who would get an alert with these labels, and why; sends nothing.')
    .addArgument(
      new Argument('<labels...>', 'label=value, such as rule=memory node=prod-1').argParser(labelArgument),
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(async (given: Labels, options: StateOptions & { config: string; json?: boolean }) => {
      const config = await loadFleet(options.config);
      const strange = unknownAlertLabel(Object.keys(given), config);
      if (strange !== undefined) test.error(`error: ${strange}`, { exitCode: 2 });
      const labels = completed(given, config);
      const nowMs = systemClock.nowMs();
      const traced = traceRoutes(config, labels);
      const trace: Trace = {
        labels,
        routes: traced.steps,
        hearers: traced.recipients,
        withheldBy: await withheld(labels, config, options, nowMs),
      };
      if (options.json) writeJson(routesTestShape, trace);
      else process.stdout.write(traceText(trace, config, nowMs));
      process.exitCode = traced.steps.some(({ outcome }) => outcome === 'taken') ? 0 : 1;
    });
  withNotes(test, {
    examples: [
      ['bartizan routes test rule=memory node=prod-1'],
      ['bartizan routes test severity=critical cluster=prod-seoul'],
      ["bartizan routes test rule=disk node=prod-1 mount=/data --json | jq -r '.hearers[].channel'"],
    ],
    text: `A rule implies its severity, and a node of only one cluster implies cluster, role and labels of the inventory; all other labels that are not given
count as missing. Silences of the configuration and of state, and rules of \`inhibitedBy\`, are those of now.`,
    exits1: 'no route takes the alert (a route with `channels: []` does)',
    json: routesTestShape,
  });
  return routes;
}

function labelArgument(text: string, before: Labels | undefined): Labels {
  const at = text.indexOf('=');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || value === '') throw new InvalidArgumentError('Write label=value, such as node=prod-1.');
  checkAlertLabel(name);
  if (name === 'severity' && !(SEVERITIES as readonly string[]).includes(value))
    throw new InvalidArgumentError(`A severity is one of ${SEVERITIES.join(', ')}.`);
  return { ...before, [name]: value };
}

/** Adds the labels that rule and node imply. @throws ConfigError for an unknown rule */
function completed(given: Labels, { rules, clusters }: Config): Labels {
  const rule = rules.find(({ name }) => name === given.rule);
  if (given.rule !== undefined && !rule) {
    const hint = choose(
      given.rule,
      rules.map(({ name }) => name),
      'there are',
    );
    throw new ConfigError(`there is no rule ${given.rule}${hint === undefined ? '' : `; ${hint}`}`);
  }
  const nodes = targetsOf(clusters).filter(
    ({ cluster, node }) => node === given.node && (given.cluster === undefined || cluster === given.cluster),
  );
  const [node] = nodes;
  const isKnown = node !== undefined && nodes.length === 1;
  return {
    ...(isKnown && { ...node.labels, cluster: node.cluster, role: node.role }),
    ...(rule && { severity: rule.severity }),
    ...given,
  };
}

async function withheld(
  labels: Labels,
  config: Config,
  options: StateOptions & { config: string },
  nowMs: number,
): Promise<Trace['withheldBy']> {
  const table = await stateTable(config, options);
  const { stored, alerts } = hasState(config, table)
    ? await withState(await openStateToRead(config, table, options.config), async (state) => ({
        stored: await state.listSilences({ endedAfterMs: nowMs }),
        alerts: (await state.listAlerts()).map(({ value }) => value),
      }))
    : { stored: [], alerts: [] };
  const listed = listedSilences({ stored, alerts, file: config.silences, nowMs });
  const subject = { alertId: '', labels, sinceMs: nowMs, status: 'firing' as const };
  const silences = compileCovering(listed)(subject).map(({ id, untilMs, comment, matchers }) => ({
    by: 'silence' as const,
    name: id,
    now: true,
    untilMs,
    what: `${describeMatchers(matchers)}: ${comment}`,
  }));
  const rule = config.rules.find(({ name }) => name === labels.rule);
  const inhibiting = inhibitors(rule, labels, alerts).map(({ rule: name, now }) => ({
    by: 'inhibition' as const,
    name,
    now,
  }));
  return [...silences, ...inhibiting];
}

function traceText(trace: Trace, config: Config, nowMs: number): string {
  const { labels, routes, hearers, withheldBy } = trace;
  const rows = routes.map(({ route, outcome, why, channels }) => [
    route,
    outcome === 'not-reached' ? 'not reached' : outcome,
    why,
    outcome === 'taken' ? channels.join(', ') || 'nobody, on purpose' : '',
  ]);
  const table = routes.length === 0 ? '' : `${renderTable(['ROUTE', '', 'BECAUSE', 'CHANNELS'], rows)}\n`;
  const recipientsOf = hearers.map(({ channel, route, fallbacks }) => {
    const instead = fallbacks.length > 0 ? `, or ${fallbacks.join(', then ')} where that fails` : '';
    return `sent to ${channel}${instead} (route ${route})\n`;
  });
  const nobody = routes.some(({ outcome }) => outcome === 'taken')
    ? 'nobody gets it, on purpose\n'
    : 'nobody gets it: no route takes it\n';
  const groups = routes.filter((step) => step.outcome === 'taken' && step.channels.length > 0);
  return [
    `${labelText(labels)}\n\n`,
    table,
    ...(recipientsOf.length > 0 ? recipientsOf : [nobody]),
    ...groups.map((step) => groupText(step, config)),
    ...withheldBy.map((one) => withheldText(one, config, nowMs)),
  ].join('');
}

function groupText({ route, group }: RouteStep, { routes }: Config): string {
  const timing = routes.find(({ name }) => name === route);
  if (!timing) return '';
  const [wait, more] = [formatDuration(timing.groupWaitMs), formatDuration(timing.groupIntervalMs)];
  const repeat =
    timing.repeatIntervalMs === Infinity
      ? 'never repeated'
      : `repeated after ${formatDuration(timing.repeatIntervalMs)}`;
  const first = timing.groupWaitMs === 0 ? 'the first message at once' : `the first message after ${wait}`;
  const what = Object.keys(group).length === 0 ? 'with all others' : `with others of ${labelText(group)}`;
  return `grouped ${what} (route ${route}): ${first}, the next ${more} later, ${repeat}\n`;
}

function withheldText({ by, name, now, untilMs, what }: Withholding, config: Config, nowMs: number): string {
  if (by === 'silence') {
    const until = formatMoment(untilMs ?? nowMs, nowMs, config.schedule.timeZone);
    return `withheld now by silence ${name.slice(0, SHORT_ID)} until ${until} (${what})\n`;
  }
  return now
    ? `withheld now: ${name} fires for the same cluster and node\n`
    : `withheld while ${name} fires for the same cluster and node; now it does not\n`;
}
