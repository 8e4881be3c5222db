import { z } from 'zod';
import type { Config } from '../../core/model/config.ts';
import type { StateDescriptor } from '../../core/registry.ts';
import { type PostgresOptions, postgresOptionsSchema } from '../postgres/options.ts';

/** Where `up` keeps state; the first is the default. Functions on AWS keep theirs in a table. */
export const STATES: readonly StateDescriptor[] = [
  {
    type: 'sqlite',
    title: 'Embedded database: a file in the data folder',
    options: z.strictObject({}),
  },
  {
    type: 'postgres',
    title: 'PostgreSQL, which processes on several machines share: one leads, the others stand by',
    options: postgresOptionsSchema,
    isShared: true,
  },
];

/** The options of state in PostgreSQL; undefined where state is a file. */
export function postgresOptionsOf({ state }: Pick<Config, 'state'>): PostgresOptions | undefined {
  return state?.type === 'postgres' ? postgresOptionsSchema.parse(state.options) : undefined;
}
