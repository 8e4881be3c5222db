/** With `--json` this is all that goes to stdout: one document, two blanks deep, and a line break. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
