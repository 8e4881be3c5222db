import { ConfigError, RetryableError } from '../../core/errors.ts';
import { awsError } from '../aws/errors.ts';
import { createParameterReader } from './parameter-reader.ts';
import type { SecretContext, SecretSource } from './source.ts';

/** How long a value is cached: a rotated one is in use after this time at the latest. */
const KEPT_MS = 5 * 60_000;
/** How long the last value stays in use while Systems Manager does not answer. */
const LAST_VALUE_MS = 60 * 60_000;
/** Least age at which `forget`, as after a refused login, makes a value be read again: AWS allows 40 calls a second. */
const LEAST_AGE_MS = 10_000;
/** A refused message reads the value again unless it is newer than this: nobody rotates a secret twice in that time. */
const RENEWED_AGE_MS = 1_000;

type Kept = { value: string; readAtMs: number; stale: boolean };
type Fetch = (name: string) => Promise<string | undefined>;

/**
 * `${ssm:/path}`: a parameter of AWS Systems Manager, decrypted; `${ssm:/path:3}` one of its versions or labels. Uses region
 * and credentials of the process. Drops the line break at the end of a token, but keeps that of a PEM key.
 */
export function createSsmSource(context: SecretContext): SecretSource {
  const { nowMs } = context;
  const kept = new Map<string, Kept>();
  const pending = new Map<string, Promise<string>>();
  let fetcher: Promise<Fetch> | undefined;

  async function fetchValue(name: string): Promise<string> {
    const at = `\${ssm:${name}}`;
    fetcher ??= createFetch(context);
    let content: string | undefined;
    try {
      content = await (await fetcher)(name);
    } catch (cause) {
      throw awsError(cause, at);
    }
    if (content === undefined)
      throw new ConfigError(`${at}: there is no such parameter in this region and account`);
    if (content.trim() === '') throw new ConfigError(`${at}: the parameter is empty`);
    const value = content.includes('-----BEGIN ') ? content : content.replace(/(\r?\n)+$/, '');
    kept.set(name, { value, readAtMs: nowMs(), stale: false });
    return value;
  }

  /** Concurrent callers, as at the start of a round, share one call. */
  function fetchShared(name: string): Promise<string> {
    const value = pending.get(name) ?? fetchValue(name).finally(() => pending.delete(name));
    pending.set(name, value);
    return value;
  }

  return {
    async renew(name) {
      const last = kept.get(name);
      if (last && nowMs() - last.readAtMs < RENEWED_AGE_MS) return last.value;
      return await fetchShared(name);
    },
    async read(name) {
      const last = kept.get(name);
      const ageMs = last ? nowMs() - last.readAtMs : Infinity;
      if (last && !last.stale && ageMs < KEPT_MS) return last.value;
      try {
        return await fetchShared(name);
      } catch (error) {
        if (last && error instanceof RetryableError && ageMs < LAST_VALUE_MS) return last.value;
        throw error;
      }
    },
    forget() {
      for (const value of kept.values()) {
        if (nowMs() - value.readAtMs >= LEAST_AGE_MS) value.stale = true;
      }
    },
  };
}

async function createFetch({ aws }: SecretContext): Promise<Fetch> {
  const { GetParameterCommand, GetParametersCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(aws);
  return createParameterReader({
    many: (Names) => client.send(new GetParametersCommand({ Names, WithDecryption: true })),
    one: (Name) => client.send(new GetParameterCommand({ Name, WithDecryption: true })),
  });
}
