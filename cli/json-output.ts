import type { z } from 'zod';

/** With `--json` this is all that goes to stdout: one document of that shape, two blanks deep, and a line break. */
export function writeJson<T>(
  _shape: z.ZodType<T>,
  value: NoInfer<T>,
  stdout: NodeJS.WritableStream = process.stdout,
): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
