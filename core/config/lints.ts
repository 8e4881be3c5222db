// Settings that are valid, and are probably a mistake.

import { GROUP_LABELS } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import { createIntervals } from '../intervals.ts';
import { labelsMatch } from '../labels.ts';
import type { Check } from '../model/check.ts';
import { tickIntervalMs } from '../plan/plan.ts';
import type { AdapterKinds } from '../registry.ts';
import { readsBackMs } from '../samples-needed.ts';
import { isSelected } from '../selection.ts';
import { quoted, quotedList } from '../text/suggestions.ts';
import { presetChecks } from './checks-in-force.ts';
import { doubleChecks } from './double-checks.ts';
import { type Draft, textOf, textsOf } from './draft.ts';
import { inventoryNames } from './inventory-names.ts';
import { unreachablePictures } from './picture-address.ts';
import type { Fleet } from './possible-alerts.ts';
import { presetLints } from './preset-lints.ts';
import { errorAt, type Finding, warningAt } from './problem.ts';
import { lateReminders } from './reminder-lints.ts';
import { ruleLints } from './rule-lints.ts';
import type { RuleInForce } from './rule-set.ts';
import { stateLints } from './state-lints.ts';
import { tierLints } from './tier-lints.ts';

export interface LintInput extends Pick<Fleet, 'nodes'> {
  draft: Draft;
  /** Valid ones, or the defaults. */
  checks: readonly Check[];
  rules: readonly RuleInForce[];
  /** Without it there are no findings about the past. */
  nowMs?: number;
  kinds: AdapterKinds;
}

export function* lints(input: LintInput): Generator<Finding> {
  const { draft, checks, rules } = input;
  yield* timeLints(input);
  yield* repeatLints(draft);
  yield* idleChecks(input);
  yield* presetLints(input);
  yield* doubleChecks(input);
  yield* silenceLints(input);
  yield* ruleLints(rules, checks, input.nodes, inventoryNames(draft));
  yield* tierLints(rules);
  yield* idleChannels(draft);
  yield* unreachablePictures(draft, input.kinds);
  yield* lateReminders(draft, input.kinds);
  yield* emptySections(draft, rules.length === 0);
  yield* auditLints(draft);
  yield* stateLints(draft, input.kinds);
}

function* timeLints({ draft, checks, rules }: LintInput): Generator<Finding> {
  const schedule = draft.schedule.value;
  const store = draft.store.value;
  if (!schedule) return;
  const tickMs = tickIntervalMs(checks);
  if (checks.length > 0 && schedule.jitterMs >= tickMs) {
    yield errorAt(
      ['schedule', 'jitter'],
      `a jitter of ${formatDuration(schedule.jitterMs)} is not shorter than a round, ${formatDuration(tickMs)}`,
      'write `jitter: 0s`, or a small part of a round',
    );
  }
  const intervals = createIntervals(checks);
  const needs = rules.map(({ rule }) => ({
    name: rule.name,
    backMs: readsBackMs(rule, intervals, schedule.latenessMs),
  }));
  const short = needs.filter(({ backMs }) => store && store.retention < backMs);
  const [longest] = short.toSorted((a, b) => b.backMs - a.backMs);
  if (!store || !longest) return;
  const names = quotedList(short.map(({ name }) => name));
  yield errorAt(
    ['store', 'retention'],
    `samples are kept for ${formatDuration(store.retention)}, and ${names} ${short.length === 1 ? 'looks' : 'look'} back further`,
    `${quoted(longest.name)} needs ${formatDuration(longest.backMs)}: its \`for\`, \`keepFiringFor\`, \`window.last\` and the lateness together; keep samples for so long, or change these rules`,
  );
}

/** A group that changes sends a message each `groupInterval`, and its reminders wait for that interval as well. */
function* repeatLints({ routes = [] }: Draft): Generator<Finding> {
  for (const { path, raw, value } of routes) {
    if (!value || value.repeatIntervalMs >= value.groupIntervalMs) continue;
    const [repeat, group] = [formatDuration(value.repeatIntervalMs), formatDuration(value.groupIntervalMs)];
    const written = textOf(raw, 'repeatInterval') === undefined ? 'groupInterval' : 'repeatInterval';
    yield warningAt(
      [...path, written],
      `\`repeatInterval\` is ${repeat}, shorter than \`groupInterval\`, ${group}`,
      'a group would send reminders more often than news; make it longer, or write `never`',
    );
  }
}

function* idleChecks({ draft, nodes, checks, kinds }: LintInput): Generator<Finding> {
  for (const { path, value } of nodes.length > 0 ? draft.presets : []) {
    const preset = kinds.presets.find(({ type }) => type === value?.preset);
    if (!value || !preset) continue;
    const names = new Set(presetChecks(preset, value).map(({ name }) => name));
    const mine = checks.filter(({ name }) => names.has(name));
    if (mine.some((check) => nodes.some((node) => isSelected(check, node)))) continue;
    yield warningAt(
      [...path, Object.keys(value.where).length > 0 ? 'where' : 'preset'],
      `preset ${quoted(preset.type)} checks no node`,
      'compare its globs with clusters, nodes and roles',
    );
  }
  const labels: readonly string[] = GROUP_LABELS.node;
  for (const { path, value } of nodes.length > 0 ? (draft.checks ?? []) : []) {
    // Another finding reports a misspelt label.
    if (!value || Object.keys(value.where).some((label) => !labels.includes(label))) continue;
    if (nodes.some((node) => isSelected(value, node))) continue;
    const isLeftOut = nodes.some((node) => labelsMatch(value.where, node));
    const name = quoted(value.name);
    yield warningAt(
      [...path, isLeftOut ? 'whereNot' : 'where'],
      isLeftOut ? `\`whereNot\` leaves check ${name} no node` : `check ${name} matches no node`,
      'compare its globs with clusters, nodes and roles',
    );
  }
}

function* silenceLints({ draft, nowMs }: LintInput): Generator<Finding> {
  for (const { path, value } of draft.silences) {
    if (value && nowMs !== undefined && value.untilMs <= nowMs)
      yield warningAt([...path, 'until'], 'this silence is over', 'take it out');
    if (value && Object.keys(value.match).length === 0)
      yield warningAt(
        [...path, 'match'],
        'this silences everything',
        'name a cluster, node, rule or severity',
      );
  }
}

/** Channels that no route and no fallback names. */
function* idleChannels({ channels = [], routes }: Draft): Generator<Finding> {
  if (!routes?.every((route) => route.value)) return;
  const used = new Set([
    ...routes.flatMap(({ raw }) => textsOf(raw, 'channels').map(({ text }) => text)),
    ...channels.flatMap(({ raw }) => textOf(raw, 'fallback') ?? []),
  ]);
  for (const { path, raw } of channels) {
    const name = textOf(raw, 'name');
    if (name === undefined || used.has(name)) continue;
    yield warningAt(
      [...path, 'name'],
      `nothing is sent to channel ${quoted(name)}`,
      'name it in a route, or as the `fallback` of a channel',
    );
  }
}

function* auditLints({ audit: { value } }: Draft): Generator<Finding> {
  const { address, tls } = value?.syslog ?? {};
  if (!address || tls || /^(localhost|127\.|::1$)/.test(address.host)) return;
  yield warningAt(
    ['audit', 'syslog', 'address'],
    'the lines of the audit go over the network in the clear: names of nodes, users and commands',
    'add `tls: {}`, or a `tls` with the `ca` of the server',
  );
}

function* emptySections(
  { checks, presets, rules, rulesOff, channels, unreadable }: Draft,
  isWithoutRules: boolean,
): Generator<Finding> {
  if (checks?.length === 0 && presets.length === 0)
    yield warningAt(['checks'], 'nothing is checked', 'leave `checks` out for the default');
  if (rules?.length === 0 && !rulesOff)
    yield warningAt(['rules'], 'no rule is evaluated', 'leave `rules` out for the defaults');
  if (rules?.length === 0 && rulesOff && isWithoutRules)
    yield warningAt(['rules', 'off'], 'no rule is evaluated', 'leave a default rule on, or add one');
  if (!channels?.length && !unreadable.has('channels')) {
    yield warningAt(
      channels ? ['channels'] : [],
      'there is no channel: rules are evaluated, and nobody is notified',
      'add one under `channels`',
    );
  }
}
