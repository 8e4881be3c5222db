import { Agent } from 'node:https';
import * as tls from 'node:tls';
import { findReferences, secretTextSchema } from '../core/config/secret-text.ts';
import { ConfigError } from '../core/errors.ts';
import type { Secrets } from '../core/ports.ts';
import { type HttpProxy, openTunnel } from './tunnel.ts';

/** How a service is reached where that is not straight, or by authorities that the system does not trust. */
export interface Network {
  agent?: Agent;
  proxy?: HttpProxy;
  secureContext?: tls.SecureContext;
}

/** Options of every adapter that speaks HTTP to a service. */
export const networkFields = {
  ca: secretTextSchema
    .optional()
    .describe(
      'Certificates (PEM) of a private authority, trusted beside those of the system: a reference such as `${file:ca.pem}`',
    ),
  proxy: secretTextSchema
    .refine((text) => findReferences(text).length > 0 || proxyOf(text) !== undefined, {
      error: 'this is no proxy; write `http://HOST:PORT`',
    })
    .optional()
    .describe(
      'Proxy on the way to the service, `http://HOST:PORT` or `http://USER:${env:PASSWORD}@HOST:PORT`; by default that of the environment (`HTTPS_PROXY`, `NO_PROXY`)',
    ),
};

export interface NetworkOptions {
  ca?: string | undefined;
  proxy?: string | undefined;
}

/** References of these options. */
export function networkSecrets({ ca = '', proxy = '' }: NetworkOptions): string[] {
  return [ca, proxy].flatMap((text) => findReferences(text).map((reference) => reference.text));
}

/**
 * The way to a service, as its options say at the time of asking; connections are kept while they say the same.
 * The function throws ConfigError when a certificate or the proxy's address is none.
 */
export function networkOf(options: NetworkOptions, secrets: Secrets): () => Promise<Network> {
  let made: { from: string; network: Network } | undefined;
  return async () => {
    const [ca, proxy] = await Promise.all(
      [options.ca, options.proxy].map((text) => (text === undefined ? undefined : secrets.resolve(text))),
    );
    const from = JSON.stringify([ca, proxy]);
    if (made?.from !== from) {
      made?.network.agent?.destroy();
      made = { from, network: createNetwork(ca, proxy, secrets) };
    }
    return made.network;
  };
}

/** A part of a path that is no word: letters and digits, long enough to be a token. */
const TOKEN = /^(?=.*\d)(?=.*[a-z]).{10,}$/i;

/** A login, and a token in the path, within an address that is no secret otherwise. */
export function hideLogin(address: string, secrets: Pick<Secrets, 'hide'>): void {
  const { username, password, pathname } = new URL(address);
  // A gateway's path may hold a token; words of a path stay readable.
  for (const part of pathname.split('/')) if (TOKEN.test(part)) secrets.hide?.(part);
  for (const text of [`${username}:${password}`, password]) if (password !== '') secrets.hide?.(text);
}

function createNetwork(ca: string | undefined, address: string | undefined, secrets: Secrets): Network {
  const secureContext = ca === undefined ? undefined : contextOf(ca);
  const proxy = address === undefined ? undefined : proxyOf(address);
  if (address !== undefined && !proxy) throw new ConfigError('proxy: this is no address `http://HOST:PORT`');
  if (proxy?.login !== undefined) {
    secrets.hide?.(proxy.login);
    secrets.hide?.(proxy.login.slice(proxy.login.indexOf(':') + 1));
  }
  if (!secureContext && !proxy) return {};
  const agent = new Agent({ keepAlive: true, ...(secureContext && { secureContext }) });
  if (proxy) tunnelThrough(agent, proxy);
  return { agent, ...(proxy && { proxy }), ...(secureContext && { secureContext }) };
}

function tunnelThrough(agent: Agent, proxy: HttpProxy): void {
  agent.createConnection = (options, done) => {
    const { host, port } = options as { host?: string; port?: number };
    openTunnel(proxy, { host: host ?? '', port: Number(port) }).then(
      (socket) => done?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket })),
      (error: Error) => done?.(error, undefined as never),
    );
    return undefined;
  };
}

function contextOf(ca: string): tls.SecureContext {
  // Node 20 has no way to ask for the system's, only for those that came with it.
  const known = tls.getCACertificates?.('default') ?? tls.rootCertificates;
  try {
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate');
    return tls.createSecureContext({ ca: [...known, ca] });
  } catch (cause) {
    throw new ConfigError('ca: these are no certificates in PEM (-----BEGIN CERTIFICATE-----)', { cause });
  }
}

function proxyOf(text: string): HttpProxy | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const { hostname, port, username, password, pathname } = new URL(text);
  if (hostname === '' || pathname !== '/') return undefined;
  const login =
    username === '' ? {} : { login: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), ...login };
}
