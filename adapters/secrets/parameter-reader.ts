// Reads parameters of Systems Manager, ten per call.
import { RetryableError } from '../../core/errors.ts';
import { awsError } from '../aws/errors.ts';

/** Limit of GetParameters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const NAMES_A_CALL = 10;

/** The fields of a response that we use. A name may end with `:VERSION` or `:LABEL`, which comes back as `Selector`. */
export interface FoundParameter {
  Name?: string;
  Selector?: string;
  Value?: string;
}

export interface ParameterCalls {
  /** GetParameters: returns the existing ones of up to ten names. */
  many(names: string[]): Promise<{ Parameters?: FoundParameter[] }>;
  /** GetParameter. @throws ParameterNotFound */
  one(name: string): Promise<{ Parameter?: FoundParameter }>;
}

interface Pending {
  promise: Promise<string | undefined>;
  resolve(value: string | undefined): void;
  reject(cause: unknown): void;
}

/**
 * Reads parameters by name; undefined for a missing one. Names requested in the same turn of the event loop share calls. If
 * AWS refuses such a call, each name is read alone, so that a forbidden or undecryptable one fails only itself.
 * @throws the error of the call
 */
export function createParameterReader({
  many,
  one,
}: ParameterCalls): (name: string) => Promise<string | undefined> {
  let waiting = new Map<string, Pending>();

  async function readOne([name, { resolve, reject }]: readonly [string, Pending]): Promise<void> {
    try {
      // The full name of another account's parameter comes back as a short one.
      resolve((await one(name)).Parameter?.Value);
    } catch (cause) {
      const isMissing = /^Parameter(Version)?NotFound$/.test((cause as Error).name);
      if (isMissing) resolve(undefined);
      else reject(cause);
    }
  }

  async function readMany(batch: readonly (readonly [string, Pending])[]): Promise<void> {
    const [first, ...others] = batch;
    if (first && others.length === 0) return readOne(first);
    try {
      const { Parameters = [] } = await many(batch.map(([name]) => name));
      const found = new Map(
        Parameters.map(({ Name = '', Selector = '', Value }) => [`${Name}${Selector}`, Value]),
      );
      for (const [name, { resolve }] of batch) resolve(found.get(name));
    } catch (cause) {
      if (awsError(cause, 'parameters') instanceof RetryableError)
        for (const [, { reject }] of batch) reject(cause);
      else for (const each of batch) await readOne(each);
    }
  }

  async function flush(): Promise<void> {
    const entries = [...waiting];
    waiting = new Map();
    for (let i = 0; i < entries.length; i += NAMES_A_CALL) await readMany(entries.slice(i, i + NAMES_A_CALL));
  }

  return (name) => {
    const pending = waiting.get(name) ?? Promise.withResolvers<string | undefined>();
    if (waiting.size === 0) setImmediate(() => void flush());
    waiting.set(name, pending);
    return pending.promise;
  };
}
