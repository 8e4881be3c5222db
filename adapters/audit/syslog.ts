import { connect as connectTcp, isIP } from 'node:net';
import * as tls from 'node:tls';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { SyslogConfig } from '../../core/model/config.ts';
import type { Secrets } from '../../core/ports.ts';
import { connectionError } from '../http/connection-errors.ts';

/** A connection to a syslog server. The protocol has no answer: what the system took may still be lost with the connection. */
export interface SyslogConnection {
  /** Resolves when the system took it. @throws RetryableError after which the connection is over */
  write(text: string): Promise<void>;
  /** Undefined while the connection is open. */
  failure(): Error | undefined;
  /** Sends the rest and ends it; resolves to whether the server ended it as well. */
  end(): Promise<boolean>;
}

const CONNECT_MS = 10_000;
/** A server that reads nothing for so long is given up. */
const WRITE_MS = 30_000;
const END_MS = 2_000;
const KEEP_ALIVE_MS = 30_000;

/** @throws ConfigError | RetryableError that names the address */
export async function connectSyslog(
  { address, tls: options }: SyslogConfig,
  { secrets, signal }: { secrets: Secrets; signal: AbortSignal },
): Promise<SyslogConnection> {
  const { host, port } = address;
  const name = `audit.syslog ${host.includes(':') ? `[${host}]` : host}:${port}`;
  const socket = options
    ? tls.connect(await tlsOptions(address, options, secrets))
    : connectTcp({ host, port });
  let failure: Error | undefined;
  const fail = (error: Error & { code?: string }) => {
    failure ??= explained(error, name, port);
    socket.destroy();
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new RetryableError(`${name}: the server ended the connection`)));
  socket.on('end', () => fail(new RetryableError(`${name}: the server ended the connection`)));
  // A server has nothing to say; what it says is dropped.
  socket.resume();
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const abort = () => fail(new RetryableError(`${name}: cut off`));
  /** Waits for the socket, no longer than the limit or until the abort. @throws why the connection is over */
  const waitFor = async (event: string, limitMs: number, error: () => Error) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => fail(error()), limitMs);
    socket.once(event, resolve);
    socket.once('close', resolve);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.removeListener(event, resolve);
    socket.removeListener('close', resolve);
    if (failure) throw failure;
  };
  await waitFor(
    options ? 'secureConnect' : 'connect',
    CONNECT_MS,
    () => new RetryableError(`${name}: it does not answer`),
  );
  return {
    async write(text) {
      if (failure) throw failure;
      if (socket.write(text)) return;
      await waitFor('drain', WRITE_MS, () => new RetryableError(`${name}: it takes no lines`));
    },
    failure: () => failure,
    async end() {
      if (failure) return false;
      const closed = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => closed.resolve(false), END_MS);
      socket.removeAllListeners('end');
      socket.once('end', () => closed.resolve(true));
      socket.once('error', () => closed.resolve(false));
      socket.end();
      const isWhole = await closed.promise;
      clearTimeout(timer);
      socket.destroy();
      return isWhole;
    },
  };
}

function explained(error: Error & { code?: string }, name: string, port: number): Error {
  const { code } = error;
  if (code === undefined) return error;
  if (/^(ERR_SSL|EPROTO)/.test(code))
    return new ConfigError(`${name}: the server does not speak TLS`, { cause: error });
  return connectionError(name, code, port);
}

async function tlsOptions(
  { host, port }: SyslogConfig['address'],
  { ca, servername = host, clientCertificate, clientKey }: NonNullable<SyslogConfig['tls']>,
  secrets: Secrets,
): Promise<tls.ConnectionOptions> {
  const resolved = async (text: string | undefined) => text && (await secrets.resolve(text));
  const [authority, cert, key] = await Promise.all([ca, clientCertificate, clientKey].map(resolved));
  try {
    const context = tls.createSecureContext({
      ...(authority && { ca: [...tls.getCACertificates('default'), authority] }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
    const named = isIP(servername) === 0 ? { servername } : {};
    return { host, port, secureContext: context, minVersion: 'TLSv1.2', ...named };
  } catch (cause) {
    throw new ConfigError('audit.syslog.tls: a certificate or the key is none in PEM, or they do not fit', {
      cause,
    });
  }
}
