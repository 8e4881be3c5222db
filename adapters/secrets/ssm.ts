import { ConfigError, RetryableError } from '../../core/errors.ts';
import { awsError } from '../aws/errors.ts';
import type { SecretSource, SecretWorld } from './source.ts';

/** A value that was rotated is used after so long at the latest. */
const KEPT_MS = 5 * 60_000;
/** While Systems Manager does not answer, the last value goes on being used so long. */
const LAST_VALUE_MS = 60 * 60_000;
/** Asked for anew at once, as after a refused login, but not more often: it allows 40 calls a second to all. */
const LEAST_AGE_MS = 10_000;

type Kept = { value: string; readAtMs: number; stale: boolean };
type Fetch = (name: string) => Promise<string | undefined>;

/**
 * `${ssm:/path}`: a parameter of AWS Systems Manager, decrypted; `${ssm:/path:3}` one of its versions or labels. Region
 * and credentials are those of the process. The line break at the end of a token is dropped, a key in PEM keeps it.
 */
export function createSsmSource(world: SecretWorld): SecretSource {
  const { nowMs } = world;
  const kept = new Map<string, Kept>();
  const asking = new Map<string, Promise<string>>();
  let client: Promise<Fetch> | undefined;

  async function ask(name: string): Promise<string> {
    const at = `\${ssm:${name}}`;
    client ??= createFetch(world);
    let content: string | undefined;
    try {
      content = await (await client)(name);
    } catch (cause) {
      const { name: kind } = cause as { name?: string };
      if (kind === 'ParameterNotFound' || kind === 'ParameterVersionNotFound') {
        throw new ConfigError(`${at}: there is no such parameter in this region and account`, { cause });
      }
      throw awsError(cause, at);
    }
    if (content === undefined || content.trim() === '')
      throw new ConfigError(`${at}: the parameter is empty`);
    const value = content.includes('-----BEGIN ') ? content : content.replace(/(\r?\n)+$/, '');
    kept.set(name, { value, readAtMs: nowMs(), stale: false });
    return value;
  }

  return {
    async read(name) {
      const last = kept.get(name);
      const ageMs = last ? nowMs() - last.readAtMs : Infinity;
      if (last && !last.stale && ageMs < KEPT_MS) return last.value;
      // Many ask at once, as at the start of a round: one call answers all.
      const answer = asking.get(name) ?? ask(name).finally(() => asking.delete(name));
      asking.set(name, answer);
      try {
        return await answer;
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

async function createFetch({ aws }: SecretWorld): Promise<Fetch> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(aws);
  return async (Name) => {
    const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
    return Parameter?.Value;
  };
}
