import type { ChartSpec } from '../../core/chart/spec.ts';
import type { TimelineSpec } from '../../core/chart/timeline.ts';
import { visibleLine } from '../../core/text/visible-line.ts';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const PICTOGRAPH = /\p{Extended_Pictographic}/u;
const REGIONAL = /^[\u{1f1e6}-\u{1f1ff}]+$/u;
const FROM_RIGHT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
/** An invisible character: text that begins with it is laid out from the left, whatever its letters are. */
const LEFT_TO_RIGHT = '\u200e';

/** The letters of a text as people see them. */
export function lettersOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/**
 * Makes a text that the fonts can draw. They have no sequences of emoji: the first emoji stands for a sequence, letters for
 * a flag. A name that is written from right to left stands in a line that is read from the left.
 */
export function drawableText(text: string): string {
  const drawn = lettersOf(visibleLine(text)).map(drawableLetter).join('');
  return FROM_RIGHT.test(drawn) ? LEFT_TO_RIGHT + drawn : drawn;
}

function drawableLetter(letter: string): string {
  if (REGIONAL.test(letter)) {
    return letter.replace(/./gu, (half) => String.fromCharCode((half.codePointAt(0) ?? 0) - 0x1f1e6 + 65));
  }
  if (PICTOGRAPH.test(letter)) return PICTOGRAPH.exec(letter)?.[0] ?? letter;
  // A digit in its key, a letter with a selector of its form.
  return letter.replace(/[\ufe00-\ufe0f\u20e3]/g, '');
}

/** Makes all texts of a picture drawable. */
export function drawableSpec(spec: ChartSpec): ChartSpec {
  return {
    ...spec,
    title: drawableText(spec.title),
    subtitle: drawableText(spec.subtitle),
    lines: spec.lines.map((line) => ({ ...line, name: drawableText(line.name) })),
  };
}

/** Makes all texts of a timeline drawable. */
export function drawableTimeline(spec: TimelineSpec): TimelineSpec {
  return {
    ...spec,
    title: drawableText(spec.title),
    subtitle: drawableText(spec.subtitle),
    groups: spec.groups.map((group) => ({
      ...group,
      name: drawableText(group.name),
      note: drawableText(group.note),
      lanes: group.lanes.map((lane) => ({ ...lane, name: drawableText(lane.name) })),
    })),
  };
}
