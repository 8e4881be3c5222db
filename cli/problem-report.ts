import { styleText } from 'node:util';
import type { Problem } from '../core/config/problem.ts';

type Style = Parameters<typeof styleText>[0];
/** Colours a text; without a terminal it returns the text unchanged. */
export type Paint = (style: Style, text: string) => string;

export const noPaint: Paint = (_style, text) => text;

/** Colours if the stream is a terminal and `NO_COLOR` is not set. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream, validateStream: true });
}

/** The same, but undefined instead of no colours. */
export function colourPaintFor(stream: NodeJS.WriteStream): Paint | undefined {
  const paint = paintFor(stream);
  return paint('bold', 'x') === 'x' ? undefined : paint;
}

/**
 * `file:line:column path message`, then the line of the file with the wrong text underlined, then the suggestion. Does
 * not end in a line break.
 */
export function formatProblem(problem: Problem, paint: Paint = noPaint): string {
  const { severity, file, line, column, path, message, suggestion, excerpt } = problem;
  const hue: Style = severity === 'error' ? 'red' : 'yellow';
  const text = severity === 'error' ? message : `warning: ${message}`;
  const location = paint('bold', `${file}:${line}:${column}`);
  const lines = [[location, ...(path ? [paint('cyan', path)] : []), paint(hue, text)].join('  ')];
  const number = String(line).padStart(6);
  const gutter = ' '.repeat(number.length);
  if (excerpt) {
    const before = ' '.repeat(columnsOf(excerpt.text.slice(0, excerpt.start)));
    const marks = '^'.repeat(
      columnsOf(excerpt.text.slice(excerpt.start, excerpt.start + excerpt.length)) || 1,
    );
    lines.push(
      paint('dim', `${number} │ `) + excerpt.text,
      paint('dim', `${gutter} │ `) + before + paint(hue, marks),
    );
  }
  if (suggestion) lines.push(`${paint('dim', `${gutter} =`)} ${suggestion}`);
  return lines.join('\n');
}

/** Columns in a terminal; Hangul, kana and Han take two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) {
    columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(char)
      ? 2
      : 1;
  }
  return columns;
}

/** `3 errors, 1 warning`; empty when there are none. */
export function countProblems(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  return [errors > 0 ? plural(errors, 'error') : '', warnings > 0 ? plural(warnings, 'warning') : '']
    .filter((text) => text !== '')
    .join(', ');
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
