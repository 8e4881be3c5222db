import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { lowerCase } from './known-hosts-line.ts';

/** Names of one host in known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), as bytes (latin1). */
export interface HostNames {
  /** The name that ssh looks up: the host, or `[host]:port` where the port is not 22. */
  plain: string;
  /**
   * Nodes only: `host%bastion`, like an IPv6 zone, since networks behind two bastions may use the same addresses. ssh looks
   * it up with `HostKeyAlias`.
   */
  scoped?: string;
  /** The name without the port, which ssh tries where it has no key for the name with the port. */
  withoutPort?: string;
}

export function namesOfHost({ host, port }: { host: string; port: number }): HostNames {
  const plain = nameOf(asSshWrites(host), port);
  return port === 22 ? { plain } : { plain, withoutPort: nameOf(asSshWrites(host), 22) };
}

export function namesOfNode(node: { host: string; port: number; bastion: string }): HostNames {
  const { host, port, bastion } = node;
  return { ...namesOfHost(node), scoped: nameOf(`${asSshWrites(host)}%${bastion}`, port) };
}

/** The name under which a learned key is written. */
export function writtenName({ scoped, plain }: HostNames): string {
  return scoped ?? plain;
}

function nameOf(host: string, port: number): string {
  const bytes = lowerCase(Buffer.from(host).toString('latin1'));
  return port === 22 ? bytes : `[${bytes}]:${port}`;
}

/** ssh writes addresses in canonical form: `FD00:0::7` becomes `fd00::7`, `127.1` becomes `127.0.0.1`. */
function asSshWrites(host: string): string {
  const [address = '', ...zone] = host.split('%');
  if (isIPv6(address)) return [new SocketAddress({ address, family: 'ipv6' }).address, ...zone].join('%');
  const parsed = /^[\da-fx.]+$/i.test(host) ? URL.parse(`http://${host}/`)?.hostname : undefined;
  return parsed !== undefined && isIPv4(parsed) ? parsed : host;
}
