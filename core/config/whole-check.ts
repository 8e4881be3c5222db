import type { z } from 'zod';

/** @param insteadOf a field that replaces the first of the path: when it is wrong, the issue is dropped */
export type Issue = (path: readonly string[], message: string, insteadOf?: string) => void;
type Params = Parameters<z.ZodType['superRefine']>[1];

/**
 * A check across the fields of a mapping, for `superRefine`. It also runs when fields are wrong, so that users see all errors at
 * once. Wrong fields then have the data of the file, and `issue` drops issues about them.
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
