import { request } from 'node:http';
import type { Socket } from 'node:net';
import { ConfigError, RetryableError } from '../core/errors.ts';
import { connectionError } from './connection-words.ts';

/** A proxy that is spoken to in plain HTTP, as those of companies are. */
export interface HttpProxy {
  host: string;
  port: number;
  /** `user:password`, where it wants one. */
  login?: string;
}

/** A proxy that gives no answer to CONNECT is not waited for longer. */
const LONGEST_MS = 60_000;

/**
 * A connection to `host:port` through a proxy (CONNECT, RFC 9110, 9.3.6). What goes over it the proxy cannot read if it is
 * TLS. @throws ConfigError when the proxy wants a login or forbids the way; RetryableError for all else
 */
export function openTunnel(
  proxy: HttpProxy,
  target: { host: string; port: number },
  signal?: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const place = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const named = `the proxy ${proxy.host}:${proxy.port}`;
  const asked = request({
    method: 'CONNECT',
    host: proxy.host,
    port: proxy.port,
    path: place,
    headers: { host: place, ...loginHeader(proxy) },
    agent: false,
    timeout: LONGEST_MS,
    ...(signal && { signal }),
  });
  asked.once('connect', (answer, socket, head) => {
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300 && head.length === 0) resolve(socket);
    else {
      socket.destroy();
      reject(refusal(named, place, status));
    }
  });
  asked.once('timeout', () => asked.destroy(new RetryableError(`${named} does not answer`)));
  asked.on('error', (error: Error & { code?: string }) =>
    reject(error instanceof RetryableError ? error : connectionError(named, error.code, proxy.port)),
  );
  asked.end();
  return promise;
}

export function loginHeader({ login }: HttpProxy): Record<string, string> {
  return login === undefined
    ? {}
    : { 'proxy-authorization': `Basic ${Buffer.from(login, 'utf8').toString('base64')}` };
}

function refusal(named: string, place: string, status: number): Error {
  if (status === 407)
    return new ConfigError(
      `${named} wants a login, or another one (407); write it as \`proxy: http://USER:\${env:…}@HOST:PORT\``,
    );
  if (status === 403 || status === 405)
    return new ConfigError(`${named} forbids the way to ${place} (${status}); have it allowed there`);
  return new RetryableError(`${named} answered ${status} when asked for a way to ${place}`);
}
