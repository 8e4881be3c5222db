import { Agent } from 'node:https';
import * as tls from 'node:tls';
import { findReferences, secretSchema, secretTextSchema } from '../../core/config/secret-text.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { type HttpProxy, openTunnel } from './proxy-tunnel.ts';

/** How to reach a service through a proxy, or with certificate authorities that the system does not trust. */
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
      error: 'this is not the address of a proxy; write `http://HOST:PORT`',
    })
    .optional()
    .describe(
      'Proxy on the way to the service, `http://HOST:PORT` or `http://USER:${env:PASSWORD}@HOST:PORT`; by default that of the environment (`HTTPS_PROXY`, `NO_PROXY`)',
    ),
};

/** Options of adapters that may log in with a certificate of their own; `certificatePair` checks that both are there. */
export const clientCertificateFields = {
  clientCertificate: secretTextSchema
    .optional()
    .describe(
      'Certificate (PEM) that we show the service, with `clientKey`: a reference such as `${file:client.pem}`',
    ),
  clientKey: secretSchema.optional().describe('Private key (PEM) of `clientCertificate`, a reference'),
};

export interface NetworkOptions {
  ca?: string | undefined;
  proxy?: string | undefined;
  clientCertificate?: string | undefined;
  clientKey?: string | undefined;
}

/**
 * Resolves the options at each call, since secrets may change; keeps connections while the resolved values stay the same.
 * The returned function throws ConfigError for a bad certificate or proxy address.
 */
export function networkOf(options: NetworkOptions, secrets: Secrets): () => Promise<Network> {
  let made: { from: string; network: Network } | undefined;
  return async () => {
    const { clientCertificate, clientKey } = options;
    const [ca, proxy, cert, key] = await Promise.all(
      [options.ca, options.proxy, clientCertificate, clientKey].map((text) =>
        text === undefined ? undefined : secrets.resolve(text),
      ),
    );
    const from = JSON.stringify([ca, proxy, cert, key]);
    if (made?.from !== from) {
      made?.network.agent?.destroy();
      made = { from, network: createNetwork({ ca, cert, key }, proxy, secrets) };
    }
    return made.network;
  };
}

/** A segment of a path that is no word: letters and digits, long enough to be a token. */
const TOKEN = /^(?=.*\d)(?=.*[a-z]).{10,}$/i;

/** Hides the login of an address, and tokens in its path; the rest of the address is no secret. */
export function hideLogin(address: string, secrets: Pick<Secrets, 'hide'>): void {
  const { username, password, pathname } = new URL(address);
  // The path of a gateway may contain a token; words in it stay readable.
  for (const segment of pathname.split('/')) if (TOKEN.test(segment)) secrets.hide?.(segment);
  for (const text of [`${username}:${password}`, password]) if (password !== '') secrets.hide?.(text);
}

interface Certificates {
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
}

function createNetwork(certificates: Certificates, address: string | undefined, secrets: Secrets): Network {
  const isOwn = Object.values(certificates).some((one) => one !== undefined);
  const secureContext = isOwn ? contextOf(certificates) : undefined;
  const proxy = address === undefined ? undefined : proxyOf(address);
  if (address !== undefined && !proxy)
    throw new ConfigError('proxy: this is not an address like `http://HOST:PORT`');
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

function contextOf({ ca, cert, key }: Certificates): tls.SecureContext {
  // Node 20 cannot list the system's authorities, only those that it ships with.
  const known = tls.getCACertificates?.('default') ?? tls.rootCertificates;
  try {
    if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate');
    const trusted = tls.createSecureContext({ ca: ca === undefined ? [...known] : [...known, ca] });
    if (cert === undefined || key === undefined) return trusted;
  } catch (cause) {
    throw new ConfigError('ca: this is not a certificate in PEM (-----BEGIN CERTIFICATE-----)', { cause });
  }
  try {
    return tls.createSecureContext({ ca: ca === undefined ? [...known] : [...known, ca], cert, key });
  } catch {
    // The cause may quote the key.
    throw new ConfigError(
      '`clientCertificate` and `clientKey` are not a certificate in PEM and its private key',
    );
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
