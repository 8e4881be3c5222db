/** A rule as a file writes it. */
export type RuleText = Readonly<Record<string, unknown>> & { name: string };
