import type { z } from 'zod';

type Issue = (path: readonly string[], message: string, insteadOf?: string) => void;
type Params = Parameters<z.ZodType['superRefine']>[1];

/**
 * A check of a mapping as a whole, for `superRefine`. It runs also when fields are wrong, so that one round of corrections is
 * enough: they are as written then, and what the check says of them, or of the mapping for want of them, is dropped.
 * An issue with `insteadOf` stands for a field that may be missing where that one is there.
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
