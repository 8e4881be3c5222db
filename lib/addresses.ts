// The addresses that functions connect to, as far as they are known without the secrets of the configuration.
import { findReferences } from '../core/config/secret-text.ts';
import type { Config } from '../core/model/config.ts';

export interface Endpoint {
  /** The field of the configuration, for messages. */
  at: string;
  /** The host to connect to; an IPv6 address has no brackets. Undefined when it is in a parameter. */
  host: string | undefined;
  port: number | undefined;
}

/** The fields of stores, channels and sources of clusters with an address to connect to; a test checks that none is missing. */
export const ADDRESS_FIELD = /^(urls?|endpoint|heartbeat)$|Url$/;

export function bastionEndpoints({ bastions }: Config): Endpoint[] {
  return bastions.map(({ name, host, port }) => ({
    at: `bastions ${name}.host`,
    host: plainHost(host),
    port,
  }));
}

/** The endpoints of the sample store, the channels, the heartbeat, sources of clusters and logins. With a proxy, functions connect only to that. */
export function serviceEndpoints({ store, channels, server, inventory }: Config): Endpoint[] {
  return [
    ...endpointsOf('store', store.options),
    ...channels.flatMap(({ name, options }) => endpointsOf(`channels ${name}`, options)),
    ...inventory.flatMap(({ type, options }) => endpointsOf(`inventory ${type}`, options)),
    ...endpointsOf('server', { heartbeat: server.heartbeat }),
    ...(server.oidc ? [{ at: 'server.oidc.issuer', ...parseAddress(server.oidc.issuer) }] : []),
  ];
}

function endpointsOf(at: string, options: object): Endpoint[] {
  const fields = Object.entries(options).flatMap(([field, value]) =>
    [value].flat().flatMap((one): [string, string][] => (typeof one === 'string' ? [[field, one]] : [])),
  );
  const proxies = fields.filter(([field]) => field === 'proxy');
  const reached = proxies.length > 0 ? proxies : fields.filter(([field]) => ADDRESS_FIELD.test(field));
  return reached.map(([field, address]) => ({ at: `${at}.${field}`, ...parseAddress(address) }));
}

/** Replaces the value of a parameter; no address may contain it. */
const HIDDEN = '\n';
/** Scheme, host and port. The whole login before the host may be a reference. */
const ADDRESS = /^(https?):\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?(?:[/?#]|$)/i;

/** Host and port of an address that may contain references. */
export function parseAddress(text: string): Pick<Endpoint, 'host' | 'port'> {
  const visible = findReferences(text).reduce(
    (rest, reference) => rest.replace(reference.text, HIDDEN),
    text,
  );
  const [, scheme = '', host = '', port = ''] = ADDRESS.exec(visible) ?? [];
  const byDefault = scheme.toLowerCase() === 'https' ? 443 : 80;
  // A secret at the end of a host may contain the port.
  const isOpen = scheme === '' || port.includes(HIDDEN) || (port === '' && host.endsWith(HIDDEN));
  return {
    host: host === '' || host.includes(HIDDEN) ? undefined : plainHost(host),
    port: isOpen ? undefined : Number(port || byDefault),
  };
}

/** An IPv4 address has many forms (`0x7f.1`); URL normalises them. */
function plainHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare.includes(':') ? bare : (URL.parse(`http://${bare}`)?.hostname ?? bare);
}
