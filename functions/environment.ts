import { z } from 'zod';
import { deployedSchema } from '../core/deployment/deployed.ts';
import { ConfigError } from '../core/errors.ts';

const queue = z.url().optional();

/** The environment variables that the deployment sets. A function has the URLs of the queues that it uses. */
const environmentSchema = z.object({
  BARTIZAN_BUCKET: z.string().min(1),
  BARTIZAN_CONFIG_KEY: z.string().min(1).default('config/bartizan.yaml'),
  BARTIZAN_TABLE: z.string().min(1),
  BARTIZAN_SHARDS: z.coerce.number().int().min(1).max(1000).default(1),
  BARTIZAN_PUBLIC_URL: z.string().default(''),
  /** Who asks the function history: anybody, by tokens and logins, or only callers whom AWS has authenticated. */
  HISTORY_ACCESS: z.enum(['public', 'iam']).default('public'),
  /** JSON: the name of a bastion → the name of its queue. */
  BARTIZAN_PROBE_QUEUES: z
    .string()
    .transform((text) => JSON.parse(text) as Record<string, string>)
    .optional(),
  /** JSON, only set for plan, which compares uploads with it. */
  BARTIZAN_DEPLOYED: z
    .string()
    .transform((text) => deployedSchema.parse(JSON.parse(text)))
    .optional(),
  BARTIZAN_STORE_QUEUE: queue,
  BARTIZAN_EVALUATE_QUEUE: queue,
  BARTIZAN_NOTIFY_QUEUE: queue,
  BARTIZAN_DELIVER_QUEUE: queue,
});

export type Environment = z.output<typeof environmentSchema>;

/** @throws ConfigError with the variables that are missing or wrong */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const parsed = environmentSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new ConfigError(`environment of the function: ${wrong} missing or wrong; deploy again`);
}

/** @throws ConfigError when the deployment did not set it */
export function neededQueue(environment: Environment, name: `BARTIZAN_${string}_QUEUE`): string {
  const url = environment[name as keyof Environment];
  if (typeof url !== 'string')
    throw new ConfigError(`environment of the function: ${name} is missing; deploy again`);
  return url;
}
