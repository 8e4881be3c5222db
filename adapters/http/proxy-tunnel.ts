import { request } from 'node:http';
import type { Socket } from 'node:net';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { connectionError } from './connection-errors.ts';

/** A proxy that we talk to in plain HTTP, as companies have them. */
export interface HttpProxy {
  host: string;
  port: number;
  /** `user:password`, if the proxy requires a login. */
  login?: string;
}

/** How long to wait for the proxy's answer to CONNECT. */
const LONGEST_MS = 60_000;

/**
 * Opens a connection to `host:port` through a proxy (CONNECT, RFC 9110, 9.3.6).
 * @throws ConfigError when the proxy requires a login or forbids the connection; RetryableError otherwise
 */
export function openTunnel(
  proxy: HttpProxy,
  target: { host: string; port: number },
  signal?: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const endpoint = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const proxyName = `the proxy ${proxy.host}:${proxy.port}`;
  const asked = request({
    method: 'CONNECT',
    host: proxy.host,
    port: proxy.port,
    path: endpoint,
    headers: { host: endpoint, ...loginHeader(proxy) },
    agent: false,
    timeout: LONGEST_MS,
    ...(signal && { signal }),
  });
  asked.once('connect', (answer, socket, head) => {
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300 && head.length === 0) resolve(socket);
    else {
      socket.destroy();
      reject(refusal(proxyName, endpoint, status));
    }
  });
  asked.once('timeout', () => asked.destroy(new RetryableError(`${proxyName} does not answer`)));
  asked.on('error', (error: Error & { code?: string }) =>
    reject(error instanceof RetryableError ? error : connectionError(proxyName, error.code, proxy.port)),
  );
  asked.end();
  return promise;
}

export function loginHeader({ login }: HttpProxy): Record<string, string> {
  return login === undefined
    ? {}
    : { 'proxy-authorization': `Basic ${Buffer.from(login, 'utf8').toString('base64')}` };
}

function refusal(proxyName: string, endpoint: string, status: number): Error {
  if (status === 407)
    return new ConfigError(
      `${proxyName} requires a login, or rejects the given one (407); write it as \`proxy: http://USER:\${env:…}@HOST:PORT\``,
    );
  if (status === 403 || status === 405)
    return new ConfigError(
      `${proxyName} forbids connections to ${endpoint} (${status}); allow them on the proxy`,
    );
  return new RetryableError(`${proxyName} answered ${status} to a CONNECT to ${endpoint}`);
}
