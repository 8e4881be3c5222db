import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger, Secrets } from '../core/ports.ts';

type TlsFiles = NonNullable<Config['server']['tls']>;
type Pair = { cert: string; key: string };

/** The certificate of the server, which is read again while it runs. */
export interface ServerTls {
  current(): Pair;
  /** Gives the server each later certificate; returns what ends that. */
  follow(server: Pick<Server, 'setSecureContext'>): () => void;
}

/** Programs that renew certificates replace the files days before the old ones end. */
const READ_EVERY_MS = 30_000;
/** Older protocols are broken: https://www.rfc-editor.org/rfc/rfc8996 */
const OPTIONS = { minVersion: 'TLSv1.2' } satisfies SecureContextOptions;

/**
 * `files` are read at each use, as a reload may name others. A certificate that cannot be used is reported once, and the former
 * one stays. @throws ConfigError when the first one cannot be used
 */
export async function openServerTls(
  files: () => TlsFiles | undefined,
  { secrets, logger }: { secrets: Secrets; logger: Logger },
): Promise<ServerTls | undefined> {
  const first = files();
  if (!first) return undefined;
  let pair = await readPair(first, secrets);
  let logged: string | undefined;

  async function refresh(server: Pick<Server, 'setSecureContext'>): Promise<void> {
    try {
      const next = await readPair(files() ?? (first as TlsFiles), secrets);
      logged = undefined;
      if (next.cert === pair.cert && next.key === pair.key) return;
      server.setSecureContext({ ...OPTIONS, ...next });
      pair = next;
      logger.info('the server has another certificate');
    } catch (error) {
      const why = secrets.redact(describeError(error));
      if (why !== logged)
        logger.error('the new certificate of the server cannot be used; the former one stays', {
          error: why,
        });
      logged = why;
    }
  }

  return {
    current: () => ({ ...OPTIONS, ...pair }),
    follow(server) {
      const timer = setInterval(() => void refresh(server), READ_EVERY_MS).unref();
      return () => clearInterval(timer);
    },
  };
}

/** @throws ConfigError when a file cannot be read, or is no certificate or no key of it */
export async function readPair({ cert, key }: TlsFiles, secrets: Pick<Secrets, 'resolve'>): Promise<Pair> {
  const pair = {
    cert: await resolved('server.tls.cert', cert, secrets),
    key: await resolved('server.tls.key', key, secrets),
  };
  try {
    createSecureContext({ ...OPTIONS, ...pair });
  } catch (cause) {
    const isMismatch = (cause as { code?: string }).code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    throw new ConfigError(
      isMismatch
        ? 'server.tls: `key` is the key of another certificate than `cert`'
        : 'server.tls: `cert` or `key` is nothing in PEM that can be used, or the key needs a passphrase; write one without',
      { cause },
    );
  }
  return pair;
}

async function resolved(at: string, reference: string, secrets: Pick<Secrets, 'resolve'>): Promise<string> {
  try {
    return await secrets.resolve(reference);
  } catch (cause) {
    throw new ConfigError(`${at}: ${describeError(cause)}`, { cause });
  }
}
