// What is allowed, and hardly what was meant.

import { GROUP_LABELS } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import { lookBackMs } from '../evaluate/range.ts';
import { labelsMatch } from '../labels.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { tickIntervalMs } from '../plan/plan.ts';
import type { AdapterKinds } from '../registry.ts';
import { isSelected } from '../selection.ts';
import { quoted } from '../text/suggestions.ts';
import { type Draft, textOf, textsOf } from './draft.ts';
import { unreachablePictures } from './picture-address.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

import { ruleLints } from './rule-lints.ts';
import { thresholdLints } from './threshold-lints.ts';
import { windowLints } from './window-lints.ts';

export interface LintInput {
  draft: Draft;
  /** Valid ones, or the defaults. */
  checks: readonly Check[];
  rules: readonly { rule: Rule; path: Path }[];
  nodes: readonly { cluster: string; node: string; role: string }[];
  /** Without it nothing is said about the past. */
  nowMs: number | undefined;
  kinds: AdapterKinds;
}

export function lint(input: LintInput): Finding[] {
  return [
    ...times(input),
    ...repeats(input.draft),
    ...idleChecks(input),
    ...silences(input),
    ...ruleLints(input.rules),
    ...thresholdLints(input.rules),
    ...windowLints(input.rules, input.checks),
    ...channels(input.draft),
    ...unreachablePictures(input.draft, input.kinds),
    ...emptySections(input),
  ];
}

function times({ draft, checks, rules }: LintInput): Finding[] {
  const findings: Finding[] = [];
  const schedule = draft.schedule.value;
  const store = draft.store.value;
  const everyMs = Math.min(...checks.map((check) => check.everyMs));
  const tickMs = tickIntervalMs(checks);
  if (schedule && checks.length > 0 && schedule.jitterMs >= tickMs) {
    findings.push(
      errorAt(
        ['schedule', 'jitter'],
        `a jitter of ${formatDuration(schedule.jitterMs)} is not shorter than a round, ${formatDuration(tickMs)}`,
        'write `jitter: 0s`, or a small part of a round',
      ),
    );
  }
  for (const { rule, path } of rules) {
    if (path.length > 0 && checks.length > 0 && rule.forMs > 0 && rule.forMs < everyMs) {
      findings.push(
        warningAt(
          [...path, 'for'],
          `${formatDuration(rule.forMs)} is shorter than the interval of its check, ${formatDuration(everyMs)}`,
          'it fires a whole interval after the first breach; `0s` fires at once',
        ),
      );
    }
    const backMs = rule.forMs + rule.keepFiringForMs + lookBackMs(rule, everyMs);
    if (store && schedule && store.retention < backMs + schedule.latenessMs) {
      findings.push(
        errorAt(
          ['store', 'retention'],
          `rule ${quoted(rule.name)} looks back further than samples are kept, ${formatDuration(store.retention)}`,
          'keep samples for `for`, `keepFiringFor`, `window.last` and `lateness` together at least',
        ),
      );
    }
  }
  return findings;
}

/** Each message of a group that changes is sent by then anyway, and a reminder waits for the same interval. */
function repeats({ routes }: Draft): Finding[] {
  return (routes ?? []).flatMap(({ path, raw, value }) => {
    if (!value || value.repeatIntervalMs >= value.groupIntervalMs) return [];
    const [repeat, group] = [formatDuration(value.repeatIntervalMs), formatDuration(value.groupIntervalMs)];
    const written = textOf(raw, 'repeatInterval') === undefined ? 'groupInterval' : 'repeatInterval';
    return [
      warningAt(
        [...path, written],
        `\`repeatInterval\` is ${repeat}, shorter than \`groupInterval\`, ${group}`,
        'a group then repeats itself more often than it may say what is new; make it longer, or `never`',
      ),
    ];
  });
}

function idleChecks({ draft, nodes }: LintInput): Finding[] {
  const labels: readonly string[] = GROUP_LABELS.node;
  return (draft.checks ?? []).flatMap(({ path, value }) => {
    // A misspelt label is reported as such.
    if (nodes.length === 0 || !value || Object.keys(value.where).some((label) => !labels.includes(label)))
      return [];
    if (nodes.some((node) => isSelected(value, node))) return [];
    if (nodes.some((node) => labelsMatch(value.where, node))) {
      const left = `\`whereNot\` leaves check ${quoted(value.name)} no node`;
      return [warningAt([...path, 'whereNot'], left, 'compare its globs with clusters, nodes and roles')];
    }
    const message = `check ${quoted(value.name)} matches no node`;
    return [warningAt([...path, 'where'], message, 'compare its globs with clusters, nodes and roles')];
  });
}

function silences({ draft, nowMs }: LintInput): Finding[] {
  return draft.silences.flatMap(({ path, value }) => {
    if (!value) return [];
    const findings: Finding[] = [];
    if (nowMs !== undefined && value.untilMs <= nowMs) {
      findings.push(warningAt([...path, 'until'], 'this silence is over', 'take it out'));
    }
    if (Object.keys(value.match).length === 0) {
      findings.push(
        warningAt([...path, 'match'], 'this silences everything', 'name a cluster, node, rule or severity'),
      );
    }
    return findings;
  });
}

/** Channels that nothing is sent to. */
function channels({ channels: items, routes }: Draft): Finding[] {
  if (!items || !routes?.every((route) => route.value)) return [];
  const used = new Set([
    ...routes.flatMap(({ raw }) => textsOf(raw, 'channels').map(({ text }) => text)),
    ...items.flatMap(({ raw }) => textOf(raw, 'fallback') ?? []),
  ]);
  return items.flatMap(({ path, raw }) => {
    const name = textOf(raw, 'name');
    if (name === undefined || used.has(name)) return [];
    return [
      warningAt(
        [...path, 'name'],
        `nothing is sent to channel ${quoted(name)}`,
        'name it in a route, or as the `fallback` of a channel',
      ),
    ];
  });
}

function emptySections({ draft, rules }: LintInput): Finding[] {
  const findings: Finding[] = [];
  if (draft.checks?.length === 0)
    findings.push(warningAt(['checks'], 'nothing is checked', 'leave `checks` out for the default'));
  if (draft.rules?.length === 0 && draft.rulesOff === undefined)
    findings.push(warningAt(['rules'], 'no rule is evaluated', 'leave `rules` out for the defaults'));
  const isAllOff = draft.rulesOff !== undefined && draft.rules?.length === 0 && rules.length === 0;
  if (isAllOff)
    findings.push(warningAt(['rules', 'off'], 'no rule is evaluated', 'leave a default rule on, or add one'));
  if (!draft.channels?.length && !draft.unreadable.has('channels')) {
    findings.push(
      warningAt(
        draft.channels ? ['channels'] : [],
        'there is no channel: rules are evaluated, and nobody is notified',
        'add one under `channels`',
      ),
    );
  }
  return findings;
}
