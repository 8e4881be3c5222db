import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConfigError, RetryableError } from '../core/errors.ts';
import { connectionWords } from './connection-words.ts';

/** What Node and OpenSSL call what is wrong with a certificate: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE =
  /CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID|PATH_LENGTH|INVALID_(CA|PURPOSE)/;

/**
 * Resolves the name of an http or https address, connects and, for https, checks the certificate; nothing is sent.
 * Gives what was seen, in words. Neither result nor error holds more of the address than host and port.
 * @throws ConfigError for a bad address or certificate; RetryableError for a connection that fails
 */
export function reachServer(
  url: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<string> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return Promise.reject(new ConfigError('url is not an http or https address'));
  const { protocol, hostname, port: written } = new URL(url);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = Number(written || (secure ? 443 : 80));
  const place = `${hostname}:${port}`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timed = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const socket: Socket = secure
    ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
    : connectTcp({ host, port });
  const abort = () => {
    const late = timed.reason instanceof Error && timed.reason.name === 'TimeoutError';
    const why = late ? `it does not answer within ${options.timeoutMs / 1000} s` : 'cut off';
    reject(new RetryableError(`${place}: ${why}`));
    socket.destroy();
  };
  timed.addEventListener('abort', abort);
  socket.once(secure ? 'secureConnect' : 'connect', () =>
    resolve(`${place} accepts connections${secure ? ', its certificate is valid' : ''}`),
  );
  // For good: a second error may come while it is torn down.
  socket.on('error', (error: Error & { code?: string }) => {
    const { code } = error;
    if (code !== undefined && CERTIFICATE.test(code))
      reject(new ConfigError(`${place}: its certificate is not valid: ${code}`));
    else if (code?.startsWith('ERR_SSL') || code === 'EPROTO')
      reject(new ConfigError(`${place}: what answers there is not TLS`));
    else reject(new RetryableError(`${place}: ${connectionWords(code, port)}`));
  });
  return promise.finally(() => {
    timed.removeEventListener('abort', abort);
    socket.destroy();
  });
}
