import { type CompiledRule, compileRule } from './compiled-rule.ts';
import type { EvaluateInput } from './model.ts';
import { type Span, spanOf } from './range.ts';
import { type RuleStart, ruleStart } from './rule-change.ts';

/** What the steps of one evaluation share. */
export interface Evaluation {
  input: EvaluateInput;
  compiled: CompiledRule;
  span: Span;
  /** The round of the rule's first evaluation. */
  startedAtMs: number;
  /** Present while that round lies in the span: the start is done, or done again with more samples. */
  start: RuleStart | undefined;
}

export function beginEvaluation(input: EvaluateInput): Evaluation {
  const span = spanOf(input);
  return { input, compiled: compileRule(input.rule), span, ...ruleStart(input, span) };
}
