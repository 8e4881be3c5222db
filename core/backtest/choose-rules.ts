import { ConfigError } from '../errors.ts';
import { globMatches } from '../labels.ts';
import type { Rule } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';

/**
 * Names of the rules that people mean: a name, a glob, or the name of a rule with tiers, which means all of them. Nothing
 * means every rule. @throws ConfigError for one that means no rule
 */
export function chooseRules(rules: readonly Rule[], wanted: readonly string[]): string[] {
  const names = rules.map(({ name }) => name);
  if (wanted.length === 0) return names;
  const found = new Set<string>();
  for (const pattern of wanted) {
    const meant = names.filter((name) => globMatches(pattern, name) || name.startsWith(`${pattern}.`));
    if (meant.length === 0) {
      const hint = choose(pattern, names, 'there are') ?? 'the configuration has no rules';
      throw new ConfigError(`there is no rule ${quoted(pattern)}; ${hint}`);
    }
    for (const name of meant) found.add(name);
  }
  return names.filter((name) => found.has(name));
}
