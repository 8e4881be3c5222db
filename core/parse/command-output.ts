// What a script of the operator's catalogue printed, between the two lines that we print around it.

/** The last line of what is sent; the exit code follows. Also the line that the output ends with. */
export const COMMAND_END = '@bartizan end';
export const COMMAND_BEGIN = '@bartizan begin';

export interface CommandResult {
  stdout: string;
  exitCode: number;
}

/**
 * The result of a script. A login shell may print before and after it. The script may print lines like ours: only the
 * last one counts. Undefined: the script did not run to its end.
 */
export function parseCommandOutput(text: string): CommandResult | undefined {
  const begin = text.indexOf(`${COMMAND_BEGIN}\n`);
  const end = text.lastIndexOf(`\n${COMMAND_END} `);
  const from = begin + COMMAND_BEGIN.length + 1;
  if (begin < 0 || end < from - 1) return undefined;
  const [code = ''] = text.slice(end + COMMAND_END.length + 2).split('\n', 1);
  if (!/^\d{1,3}$/.test(code) || Number(code) > 255) return undefined;
  return { stdout: text.slice(from, Math.max(from, end)), exitCode: Number(code) };
}
