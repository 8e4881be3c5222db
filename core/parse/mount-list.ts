import { visibleText } from '../text/visible-text.ts';

/** A node's own list of its mounts, beside the numbers from df. */
export interface MountList {
  /** Paths that df was asked for, in this order. Undefined: the node printed no list. */
  asked: readonly string[] | undefined;
  /** Those whose file systems the kernel made read-only; with the device, as the kernel names it. */
  turned: ReadonlyMap<string, string>;
  /** Those from which df did not return, in this round or in an earlier one. */
  hanging: ReadonlySet<string>;
  /** Whether a df of an earlier round hangs and nobody knows where. */
  hangsSomewhere: boolean;
  /** What was left out and why, for people. */
  notes: string[];
}

/** Names in one note; the rest is counted. */
const MAX_NAMES = 5;
const MAX_NAME_LENGTH = 120;
/** More lines than the script prints. */
const MAX_LINES = 4_096;

/** Why the script leaves out a mount, by the marker that it prints. */
const REASONS: Readonly<Record<string, (names: string) => string>> = {
  type: (names) => `not watched, as no local disks: file systems of type ${names}`,
  fixed: (names) => `not watched, as mounted read-only: ${names}`,
  demand: (names) => `not watched, as mounted on demand: ${names}`,
  covered: (names) => `not watched, as another mount lies on it: ${names}`,
  break: (names) => `not watched, as its name has a line break or another control character: ${names}`,
  volume: (names) => `not watched: ${names} of pods or containers (option \`volumes\`)`,
  mount: (names) => `not watched: ${names} beyond the first thousand`,
};

/**
 * Reads the lines of a list: `@REASON NAME` for what was left out, `@more NUMBER REASON` for more of that,
 * `@turned DEVICE PATH`, `@hangs PATH` (`?` where the path is not known), and paths.
 */
export function parseMountList(lines: readonly string[]): MountList {
  const asked: string[] = [];
  const turned = new Map<string, string>();
  const hanging = new Set<string>();
  const named = new Map<string, string[]>();
  const more = new Map<string, number>();
  let listed = false;
  let hangsSomewhere = false;
  for (const line of lines.slice(0, MAX_LINES)) {
    if (line.startsWith('/')) asked.push(line);
    const [, marker = '', rest = ''] = /^@([a-z]+) ?(.*)$/s.exec(line) ?? [];
    if (marker === 'mounts') listed = true;
    else if (marker === 'turned') {
      const [, device, path] = /^(\S+) (\/.*)$/s.exec(rest) ?? [];
      if (device !== undefined && path !== undefined) turned.set(path, device);
    } else if (marker === 'hangs' && rest === '?') hangsSomewhere = true;
    else if (marker === 'hangs') hanging.add(rest);
    else if (marker === 'more') {
      const [, number, reason = ''] = /^(\d{1,9}) ([a-z]+)$/.exec(rest) ?? [];
      if (Object.hasOwn(REASONS, reason)) more.set(reason, Number(number));
    } else if (Object.hasOwn(REASONS, marker)) named.set(marker, [...(named.get(marker) ?? []), rest]);
  }
  const notes = Object.entries(REASONS).flatMap(([reason, describe]) => {
    const names = named.get(reason) ?? [];
    const number = more.get(reason) ?? 0;
    return names.length + number > 0 ? [describe(nameSome(names, number))] : [];
  });
  return { asked: listed ? asked : undefined, turned, hanging, hangsSomewhere, notes };
}

/** `/a, /b and 3 more`, or only the number where no name is known; names are cut and made visible. */
export function nameSome(names: readonly string[], unnamed = 0): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => {
    const text = visibleText(name).replaceAll(/[\n\t]/g, ' ');
    return text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text;
  });
  const others = names.length - shown.length + unnamed;
  if (shown.length === 0) return String(others);
  return others > 0 ? `${shown.join(', ')} and ${others} more` : shown.join(', ');
}
