import type { z } from 'zod';

/** With `--json` stdout has only this: one document of that shape, indented by two spaces, and a line break. */
export function writeJson<T>(
  _shape: z.ZodType<T>,
  value: NoInfer<T>,
  stdout: NodeJS.WritableStream = process.stdout,
): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
