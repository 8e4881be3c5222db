/**
 * The script as sent to every node in every round: without comments, indentation and empty lines, which are nearly a third
 * of it. A test checks the two rules that make this safe: a line that begins with `#` is a comment of the shell or awk, and
 * a string that continues on the next line does so at its very beginning.
 */
export function sentText(source: string): string {
  const lines = source.split('\n').map((line) => line.replace(/^[ \t]+/, ''));
  return `${lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n')}\n`;
}
