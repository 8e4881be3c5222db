import type { Bucket } from '../adapters/aws/bucket.ts';
import { SIGNATURES_KEY } from '../adapters/aws/deployment.ts';
import type { SignatureSource } from '../adapters/signatures/signature-source.ts';
import { ConfigError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';

/** Each call of `probe` would be a request otherwise; signatures change every few weeks. */
const REREAD_MS = 5 * 60_000;

/** The signatures that a deployment uploads beside the configuration. */
export function bucketSignatures(open: () => Promise<Pick<Bucket, 'get'>>, clock: Clock): SignatureSource {
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    name: SIGNATURES_KEY,
    async load(unless) {
      if (unless !== undefined && clock.nowMs() - readAtMs < REREAD_MS) return undefined;
      const found = await (await open()).get(SIGNATURES_KEY, unless);
      if (!found && unless === undefined)
        throw new ConfigError(`the bucket has no ${SIGNATURES_KEY}; \`npm run deploy\` uploads it`);
      readAtMs = clock.nowMs();
      return found && { text: new TextDecoder().decode(found.body), version: found.version };
    },
  };
}
