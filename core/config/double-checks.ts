// Two checks that would write the same series of a node: only the first value of a round is stored, so one of them would watch
// nothing. Kinds whose series have the label `check` cannot meet.

import { GROUP_LABELS, METRICS, type Metric } from '../catalogue.ts';
import { globMatches } from '../labels.ts';
import type { Check } from '../model/check.ts';
import type { LabelGlobs } from '../model/labels.ts';
import { type AdapterKinds, type ProbeDescriptor, readOptions } from '../registry.ts';
import { isSelected } from '../selection.ts';
import { quoted } from '../text/suggestions.ts';
import { type Draft, textOf } from './draft.ts';
import type { Fleet } from './possible-alerts.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** Kinds of which two checks measure the same: those of `pki` share the count of unreadable files alone. */
const HARMLESS: ReadonlySet<string> = new Set(['usage', 'pki']);

interface LocatedCheck {
  check: Check;
  /** Where the file names it. */
  path: Path;
  isPreset: boolean;
}

export function* doubleChecks({
  draft,
  checks,
  nodes,
  kinds,
}: Pick<Fleet, 'nodes'> & {
  draft: Draft;
  checks: readonly Check[];
  kinds: AdapterKinds;
}): Generator<Finding> {
  const located = locate(checks, draft);
  for (const [i, one] of located.entries()) {
    const kind = kinds.probes.find(({ type }) => type === one.check.probe);
    if (!kind || HARMLESS.has(kind.type)) continue;
    for (const other of located.slice(0, i)) {
      const shared = other.check.probe === kind.type ? sharedSeries(kind, one.check, other.check) : undefined;
      if (shared === undefined) continue;
      const meet = nodes.some((node) => isSelected(one.check, node) && isSelected(other.check, node));
      const mayMeet = draft.inventory.length > 0 && canMeet(one.check, other.check);
      if (!meet && !mayMeet) continue;
      // What users wrote themselves is what they can change best.
      const [at, beside] = one.isPreset && !other.isPreset ? [other, one] : [one, other];
      const ports = shared === '' ? '' : ` at port ${shared}`;
      const text = `check ${quoted(beside.check.name)} writes the same series of a node${ports} as ${quoted(at.check.name)}`;
      yield meet ? errorAt(at.path, text, fixOf(at, beside)) : warningAt(at.path, text, fixOf(at, beside));
      break;
    }
  }
}

function fixOf(at: LocatedCheck, beside: LocatedCheck): string {
  const { probe } = at.check;
  const leaveOut =
    at.isPreset || beside.isPreset ? `, or leave \`${probe}\` out of the preset by \`without\`` : '';
  const ports = probe === 'tls' ? '`ports` or ' : '';
  return `only the first value of a round would be stored; keep them apart by ${ports}\`where\`${leaveOut}; a second service of a node can be watched by a check of kind \`http\` or \`prometheus\``;
}

/** Empty: the whole node. Undefined: they share none. */
function sharedSeries(kind: ProbeDescriptor, one: Check, other: Check): string | undefined {
  const keysOf = ({ options }: Check) => {
    const read = readOptions(kind, options);
    if (read && kind.separateBy) return kind.separateBy(read);
    return METRICS.some((metric) => metric.probes?.includes(kind.type) && isOfNode(metric)) ? [''] : [];
  };
  const keys = keysOf(other);
  return keysOf(one).find((key) => keys.includes(key));
}

function isOfNode({ group }: Metric): boolean {
  return GROUP_LABELS[group].length === GROUP_LABELS.node.length;
}

/** Whether some node of an inventory may have both: no label keeps them apart. */
function canMeet(one: Check, other: Check): boolean {
  return Object.entries(one.where).every(([label, globs]) => {
    const others = (other.where as LabelGlobs)[label];
    return !others || globs.some((a) => others.some((b) => globMatches(a, b) || globMatches(b, a)));
  });
}

/** Checks of the file come first, then those of presets. */
function locate(checks: readonly Check[], draft: Draft): LocatedCheck[] {
  return checks.flatMap((check): LocatedCheck[] => {
    const own = draft.checks?.find(({ raw }) => textOf(raw, 'name') === check.name);
    if (own) return [{ check, path: [...own.path, 'name'], isPreset: false }];
    const preset = draft.presets.find(({ value }) => value && check.name.startsWith(`${value.preset}-`));
    return preset ? [{ check, path: [...preset.path, 'preset'], isPreset: true }] : [];
  });
}
