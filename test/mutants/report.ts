import type { Mutant } from './instrument.ts';
import type { Result } from './process.ts';

const KINDS = ['killed', 'timeout', 'survived', 'uncovered', 'static', 'equivalent'] as const;
type Kind = (typeof KINDS)[number];
/** No test noticed it. */
export const LIVES: ReadonlySet<Kind> = new Set(['survived', 'uncovered']);

interface Classified {
  mutant: Mutant;
  kind: Kind;
}

/** One line each: file, operator, original, replacement. The text after ` # ` is the reason. */
export function readEquivalents(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' # ');
    if (at > 0) entries.set(line.slice(0, at).trim(), line.slice(at + 3).trim());
  }
  return entries;
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

/** Does not change when lines move. */
export function keyOf({ file, operator, original, replacement }: Mutant): string {
  return `${file} | ${operator} | ${oneLine(original)} | ${oneLine(replacement)}`.trim();
}

/** Names that stay the same while lines move, in the order of the mutants: equal changes of a file are numbered. */
export function identify(mutants: readonly Mutant[]): string[] {
  const counts = new Map<string, number>();
  return mutants.map((mutant) => {
    const key = keyOf(mutant);
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return `${key} | ${count}`;
  });
}

const short = (text: string) => {
  const line = oneLine(text);
  return line.length > 110 ? `${line.slice(0, 70)} … ${line.slice(-35)}` : line;
};

export function classify(
  mutants: readonly Mutant[],
  results: ReadonlyMap<number, Result>,
  equivalents: ReadonlyMap<string, string>,
): Classified[] {
  return mutants.flatMap((mutant) => {
    const status = results.get(mutant.id)?.status;
    if (!status) return [];
    return [{ mutant, kind: LIVES.has(status) && equivalents.has(keyOf(mutant)) ? 'equivalent' : status }];
  });
}

/** The share of killed mutants among those that can be killed. */
export function rateOf(counts: Record<Kind, number>): number {
  const killed = counts.killed + counts.timeout;
  const all = killed + counts.survived + counts.uncovered;
  return all === 0 ? 1 : killed / all;
}

export function countKinds(classified: readonly { kind: Kind }[]): Record<Kind, number> {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  for (const { kind } of classified) counts[kind]++;
  return counts;
}

export function table(classified: readonly Classified[], by: (file: string) => string): string {
  const groups = Map.groupBy(classified, ({ mutant }) => by(mutant.file));
  const rows = [...groups].map(([name, group]) => [name, group] as const);
  const width = Math.max(10, ...rows.map(([name]) => name.length));
  const row = (name: string, cells: readonly string[]) =>
    name.padEnd(width) + cells.map((cell) => cell.padStart(11)).join('');
  const line = (name: string, group: readonly { kind: Kind }[]) => {
    const counts = countKinds(group);
    const rate = `${Math.round(rateOf(counts) * 1000) / 10} %`;
    return row(name, [String(group.length), ...KINDS.map((kind) => String(counts[kind])), rate]);
  };
  const head = row('', ['mutants', ...KINDS, 'rate']);
  return [head, ...rows.map(([name, group]) => line(name, group)), line('all', classified)].join('\n');
}

export function survivors(classified: readonly Classified[]): string {
  return classified
    .filter(({ kind }) => kind === 'survived' || kind === 'uncovered')
    .map(({ mutant, kind }) => {
      const { file, line, operator, original, replacement } = mutant;
      const change = replacement
        ? `${short(original)}  →  ${short(replacement)}`
        : `${short(original)}  removed`;
      return `${file}:${line} ${operator}${kind === 'uncovered' ? ' (no test)' : ''}: ${change}`;
    })
    .join('\n');
}
