import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { connectionError } from './connection-errors.ts';
import type { Network } from './network.ts';
import { openTunnel } from './proxy-tunnel.ts';

/**
 * Checks the server of an http or https address without sending a request: resolves the name, connects (through the proxy,
 * if there is one) and, for https, validates the certificate. Returns what it found, for people. Neither result nor error
 * reveals more of the address than host and port.
 * @throws ConfigError for a bad address or certificate; RetryableError for a connection that fails
 */
export async function checkServer(
  url: string,
  options: { timeoutMs: number; signal: AbortSignal; network?: Network },
): Promise<string> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError('url is not an http or https address');
  const { protocol, hostname, port: written } = new URL(url);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = Number(written || (secure ? 443 : 80));
  const endpoint = `${hostname}:${port}`;
  const { network = {} } = options;
  const timed = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const late = () => {
    const timeout = timed.reason instanceof Error && timed.reason.name === 'TimeoutError';
    const why = timeout ? `it does not answer within ${options.timeoutMs / 1000} s` : 'cut off';
    return new RetryableError(`${endpoint}: ${why}`);
  };
  const { proxy, secureContext } = network;
  const proxied = proxy && `the proxy ${proxy.host}:${proxy.port}`;
  // A proxy gets plain HTTP requests directly, without CONNECT: here we can only check the proxy itself.
  if (proxy && !secure) {
    const found = await watch(connectTcp({ host: proxy.host, port: proxy.port }), 'connect', proxied ?? '');
    return `${found}; only a real request shows whether it forwards us`;
  }
  if (!secure) return watch(connectTcp({ host, port }), 'connect', endpoint);
  const tunnel =
    proxy &&
    (await openTunnel(proxy, { host, port }, timed).catch((error: unknown) => {
      throw timed.aborted ? late() : error;
    }));
  const socket = connectTls({
    ...(tunnel ? { socket: tunnel } : { host, port }),
    ...(isIP(host) === 0 ? { servername: host } : { host }),
    ...(secureContext && { secureContext }),
  });
  const found = await watch(socket, 'secureConnect', endpoint);
  return `${found}, its certificate is valid${proxied ? `, through ${proxied}` : ''}`;

  function watch(socket: Socket, connected: 'connect' | 'secureConnect', what: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const abort = () => {
      reject(late());
      socket.destroy();
    };
    timed.addEventListener('abort', abort);
    socket.once(connected, () => resolve(`${what} accepts connections`));
    // Never removed: a second error may come while the socket is destroyed.
    socket.on('error', (error: Error & { code?: string }) => reject(connectionError(what, error.code, port)));
    return promise.finally(() => {
      timed.removeEventListener('abort', abort);
      socket.destroy();
    });
  }
}
