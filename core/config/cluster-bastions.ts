import { z } from 'zod';

/** Two that agree are evidence; a longer list helps only where bastions fail together. */
const MOST_BASTIONS = 4;

/** The bastions of a cluster: a name, or several in the order in which they are used. */
export const bastionsSchema = z
  .union([z.string(), z.array(z.string()).min(1).max(MOST_BASTIONS)], {
    error: `write the name of a bastion, or a list of at most ${MOST_BASTIONS}`,
  })
  .transform((names): readonly string[] => (typeof names === 'string' ? [names] : names))
  .refine((names) => new Set(names).size === names.length, { error: 'each bastion may be there once' })
  .describe(
    'Name of the bastion that leads to its nodes, or a list: the first one is used while it works, and the next gives a second opinion on nodes that do not answer there',
  );
