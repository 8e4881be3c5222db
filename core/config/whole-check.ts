import type { z } from 'zod';

/** `insteadOf`: the field may be missing where this one is there. */
export type Issue = (path: readonly string[], message: string, insteadOf?: string) => void;
type Params = Parameters<z.ZodType['superRefine']>[1];

/**
 * A check of a mapping as a whole, for `superRefine`. It runs also when fields are wrong, so that one round of corrections is
 * enough. Wrong fields are then as they are written; issues at them, or for want of them, are dropped.
 */
export function wholeCheck<T extends object>(
  check: (fields: T, issue: Issue, isRight: (field: keyof T & string) => boolean) => void,
): [(value: unknown, context: z.RefinementCtx) => void, Params] {
  const run = (value: unknown, context: z.RefinementCtx) => {
    const wrong = new Set(context.issues.map(({ path }) => path?.[0]));
    const issue: Issue = (path, message, insteadOf) => {
      if (wrong.has(path[0]) || wrong.has(insteadOf)) return;
      context.addIssue({ code: 'custom', path: [...path], message, input: value });
    };
    check(value as T, issue, (field) => !wrong.has(field));
  };
  return [run, { when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value) }];
}
