// What is allowed, and hardly what was meant.
import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { labelsMatch } from '../labels.ts';
import { PLACEHOLDER, placeholderName, SUMMARY_FIELDS } from '../message/summary.ts';
import type { Check, Rule } from '../model.ts';
import { tickIntervalMs } from '../plan/plan.ts';
import type { AdapterKinds } from '../registry.ts';
import type { Draft } from './draft.ts';
import { formatDuration } from './duration.ts';
import { unreachablePictures } from './picture-address.ts';
import { choose, errorAt, type Finding, type Path, quoted, warningAt } from './problem.ts';
import { textOf, textsOf } from './reader.ts';

export interface DoubtInput {
  draft: Draft;
  /** Valid ones, or the defaults. */
  checks: readonly Check[];
  rules: readonly { rule: Rule; path: Path }[];
  nodes: readonly { cluster: string; node: string; role: string }[];
  /** Without it nothing is said about the past. */
  nowMs: number | undefined;
  kinds: AdapterKinds;
}

export function findDoubts(input: DoubtInput): Finding[] {
  return [
    ...times(input),
    ...repeats(input.draft),
    ...idleChecks(input),
    ...silences(input),
    ...placeholders(input),
    ...channels(input.draft),
    ...unreachablePictures(input.draft, input.kinds),
    ...emptySections(input.draft),
  ];
}

function times({ draft, checks, rules }: DoubtInput): Finding[] {
  const findings: Finding[] = [];
  const schedule = draft.schedule.value;
  const store = draft.store.value;
  const everyMs = Math.min(...checks.map((check) => check.everyMs));
  const tickMs = tickIntervalMs(checks);
  if (schedule && checks.length > 0 && schedule.jitter >= tickMs) {
    findings.push(
      errorAt(
        ['schedule', 'jitter'],
        `a jitter of ${formatDuration(schedule.jitter)} is not shorter than a round, ${formatDuration(tickMs)}`,
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
    if (store && schedule && store.retention < rule.forMs + rule.keepFiringForMs + schedule.lateness) {
      findings.push(
        errorAt(
          ['store', 'retention'],
          `rule ${quoted(rule.name)} looks back further than samples are kept, ${formatDuration(store.retention)}`,
          'keep samples for `for`, `keepFiringFor` and `lateness` together at least',
        ),
      );
    }
  }
  return findings;
}

/** Each message of a group that changes is sent by then anyway, and a reminder waits for the same interval. */
function repeats({ routes }: Draft): Finding[] {
  return (routes ?? []).flatMap(({ path, raw, value }) => {
    if (!value || value.repeatInterval >= value.groupInterval) return [];
    const [repeat, group] = [formatDuration(value.repeatInterval), formatDuration(value.groupInterval)];
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

function idleChecks({ draft, nodes }: DoubtInput): Finding[] {
  const labels: readonly string[] = GROUP_LABELS.node;
  return (draft.checks ?? []).flatMap(({ path, value }) => {
    // A label misspelt is told as such.
    if (nodes.length === 0 || !value || Object.keys(value.where).some((label) => !labels.includes(label)))
      return [];
    if (nodes.some((node) => labelsMatch(value.where, node))) return [];
    const message = `check ${quoted(value.name)} matches no node`;
    return [warningAt([...path, 'where'], message, 'compare its globs with clusters, nodes and roles')];
  });
}

function silences({ draft, nowMs }: DoubtInput): Finding[] {
  return draft.silences.flatMap(({ path, value }) => {
    if (!value) return [];
    const findings: Finding[] = [];
    if (nowMs !== undefined && value.until <= nowMs) {
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

/** Names in the text of a rule that its alerts do not have: the message would show `–` there. */
function placeholders({ rules }: DoubtInput): Finding[] {
  return rules.flatMap(({ rule: { summary = '', metric, aggregate }, path }) => {
    const group = findMetric(metric)?.group;
    if (path.length === 0 || group === undefined) return [];
    const known = [...(aggregate?.by ?? GROUP_LABELS[group]), ...SUMMARY_FIELDS];
    const texts = new Map([...summary.matchAll(PLACEHOLDER)].map(([text, inner = '']) => [text, inner]));
    return [...texts].flatMap(([text, inner]) => {
      const name = placeholderName(inner);
      if (name !== undefined && known.includes(name)) return [];
      const shown = name === undefined ? 'it is shown as it stands here' : 'its place would hold `–`';
      const word = name ?? inner.replace(/[^\w-]+/g, '');
      return [
        warningAt(
          [...path, 'summary'],
          `${quoted(text)} is no name of this rule's alerts; ${shown}`,
          choose(word, known, 'possible here'),
        ),
      ];
    });
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

function emptySections(draft: Draft): Finding[] {
  const findings: Finding[] = [];
  if (draft.checks?.length === 0)
    findings.push(warningAt(['checks'], 'nothing is checked', 'leave `checks` out for the default'));
  if (draft.rules?.length === 0)
    findings.push(warningAt(['rules'], 'nothing is judged', 'leave `rules` out for the defaults'));
  if (!draft.channels?.length && !draft.unreadable.has('channels')) {
    findings.push(
      warningAt(
        draft.channels ? ['channels'] : [],
        'there is no channel: alerts are judged and nobody is told',
        'add one under `channels`',
      ),
    );
  }
  return findings;
}
