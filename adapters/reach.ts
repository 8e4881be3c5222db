import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConfigError, RetryableError } from '../core/errors.ts';
import { connectionError } from './connection-words.ts';
import type { Network } from './network.ts';
import { openTunnel } from './tunnel.ts';

/**
 * Resolves the name of an http or https address, connects (through the proxy, where there is one) and, for https, checks
 * the certificate; nothing is sent. Gives what was seen, in words. Neither result nor error holds more of the address
 * than host and port. @throws ConfigError for a bad address or certificate; RetryableError for a connection that fails
 */
export async function reachServer(
  url: string,
  options: { timeoutMs: number; signal: AbortSignal; network?: Network },
): Promise<string> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError('url is not an http or https address');
  const { protocol, hostname, port: written } = new URL(url);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = Number(written || (secure ? 443 : 80));
  const place = `${hostname}:${port}`;
  const { network = {} } = options;
  const timed = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const late = () => {
    const timeout = timed.reason instanceof Error && timed.reason.name === 'TimeoutError';
    const why = timeout ? `it does not answer within ${options.timeoutMs / 1000} s` : 'cut off';
    return new RetryableError(`${place}: ${why}`);
  };
  const { proxy, secureContext } = network;
  const proxied = proxy && `the proxy ${proxy.host}:${proxy.port}`;
  // A way to a plain address is asked for with the request itself: here the proxy alone can be looked at.
  if (proxy && !secure) {
    const seen = await watch(connectTcp({ host: proxy.host, port: proxy.port }), 'connect', proxied ?? '');
    return `${seen}; whether it lets us on shows when something is sent`;
  }
  if (!secure) return watch(connectTcp({ host, port }), 'connect', place);
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
  const seen = await watch(socket, 'secureConnect', place);
  return `${seen}, its certificate is valid${proxied ? `, through ${proxied}` : ''}`;

  function watch(socket: Socket, connected: 'connect' | 'secureConnect', what: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const abort = () => {
      reject(late());
      socket.destroy();
    };
    timed.addEventListener('abort', abort);
    socket.once(connected, () => resolve(`${what} accepts connections`));
    // For good: a second error may come while it is torn down.
    socket.on('error', (error: Error & { code?: string }) => reject(connectionError(what, error.code, port)));
    return promise.finally(() => {
      timed.removeEventListener('abort', abort);
      socket.destroy();
    });
  }
}
