import { RetryableError } from '../../core/errors.ts';

/** A process, or one call of a function. After its death nothing that it started continues. */
export interface Life {
  alive(): boolean;
  die(why: string): void;
  /** Resolves with the reason when it dies. */
  died: Promise<string>;
}

export function createLife(): Life {
  const { promise, resolve } = Promise.withResolvers<string>();
  let alive = true;
  return {
    alive: () => alive,
    die(why) {
      alive = false;
      resolve(why);
    },
    died: promise,
  };
}

export const NEVER = new Promise<never>(() => {});

/** The result of a write. */
export type Fate = 'done' | 'dies before' | 'dies after' | 'fails before' | 'fails after';

const READS = /^(load|list|open|find|due|next|incidentsOf|query|get|lookUp|latest|rollUps|head)/;

/**
 * Wraps a port for one life: after its death calls never return. `fateOf` decides for each write whether the caller
 * dies before or after it takes effect, or gets an error.
 */
export function guarded<T extends object>(
  port: T,
  life: Life,
  fateOf: (what: string, args: readonly unknown[]) => Fate,
  /** Undefined: without a delay. */
  delay?: () => Promise<void> | undefined,
): T {
  const wrap = (name: string, inner: (...args: unknown[]) => unknown) => {
    const isRead = READS.test(name);
    return async (...args: unknown[]) => {
      if (!life.alive()) return NEVER;
      const delayed = delay?.();
      if (delayed) await delayed;
      if (!life.alive()) return NEVER;
      const fate = isRead ? 'done' : fateOf(name, args);
      if (fate === 'fails before') throw new RetryableError(`${name}: no answer`);
      if (fate === 'dies before') return end(`before ${name}`);
      const result = await inner(...args);
      if (!life.alive()) return NEVER;
      if (fate === 'dies after') return end(`after ${name}`);
      if (fate === 'fails after') throw new RetryableError(`${name}: the answer was lost`);
      return result;
    };
  };
  const end = (why: string) => {
    life.die(why);
    return NEVER;
  };
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(port)) {
    if (typeof value === 'function') {
      out[name] = wrap(name, (...args) => (value as (...args: unknown[]) => unknown).apply(port, args));
    } else if (typeof value === 'object' && value !== null) {
      out[name] = guarded(value as object, life, (what, args) => fateOf(`${name}.${what}`, args), delay);
    } else out[name] = value;
  }
  return out as T;
}
