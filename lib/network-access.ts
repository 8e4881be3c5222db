// Finds addresses that functions can never reach from their network. It resolves no names, because they may resolve
// differently where functions run.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Config } from '../core/model/config.ts';
import { bastionEndpoints, type Endpoint, serviceEndpoints } from './addresses.ts';
import type { Settings } from './settings.ts';

/** Where a function connects from. */
type Egress = 'existing network' | 'own network' | 'no network';

const HTTPS = 443;

/** RFC 1918, and RFC 6598 for the addresses that carriers and clusters share. */
const PRIVATE = subnets(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10]);
/** Addresses of the machine itself, and of its own link. */
const LOCAL = subnets(['127.0.0.0', 8], ['0.0.0.0', 8], ['169.254.0.0', 16]);

/** Ports that functions in the network connect to, besides those of bastions. */
export function servicePorts(config: Config, settings: Settings): number[] {
  const services = settings.storeInVpc ? serviceEndpoints(config) : [];
  const known = services.map(({ port }) => port).filter((port) => port !== undefined);
  return [...new Set([HTTPS, ...known, ...settings.egressPorts])];
}

/** A line for each address without a route, and for ports that are unknown before the deployment. */
export function checkNetworkAccess(
  config: Config,
  settings: Settings,
): { problems: string[]; warnings: string[] } {
  const probe = egressOf(settings);
  const services = settings.storeInVpc ? probe : 'no network';
  const isMeant = settings.confirmed.includes('private');
  const unreached = [
    ...bastionEndpoints(config).map((endpoint) => addressProblem(endpoint, probe, isMeant, 'bastion')),
    ...serviceEndpoints(config).map((endpoint) => addressProblem(endpoint, services, isMeant, 'service')),
  ];
  return {
    problems: unreached.filter((problem) => problem !== undefined),
    warnings: portWarnings(config, settings),
  };
}

function egressOf({ network, withoutNetwork }: Settings): Egress {
  if (withoutNetwork) return 'no network';
  return network === undefined ? 'own network' : 'existing network';
}

function addressProblem(
  { at, host }: Endpoint,
  way: Egress,
  isMeant: boolean,
  who: 'bastion' | 'service',
): string | undefined {
  if (host === undefined) return undefined;
  // Functions have IPv6 only in dual-stack subnets, and only when it is turned on
  // (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
  if (isIPv6(host.replace(/%.*$/, '')))
    return `${at}: ${host} is an address of IPv6, and functions speak IPv4 alone; write its IPv4 address, or a name that has one`;
  if (isMeant) return undefined;
  if (host === 'localhost' || host.endsWith('.localhost') || (isIPv4(host) && LOCAL.check(host)))
    return `${at}: ${host} is the function itself and nothing runs there; write the address that others reach it at`;
  if (!isIPv4(host) || !PRIVATE.check(host) || way === 'existing network') return undefined;
  return `${at}: ${host} is a private address, and ${noRoute(way, who)}`;
}

/** Why there is no route, and what to do. */
function noRoute(way: Exclude<Egress, 'existing network'>, who: 'bastion' | 'service'): string {
  const named = '`-c vpcId=… -c privateSubnetIds=…`';
  if (way === 'own network')
    return `the network that the deployment makes leads to public ones; name the network that leads there, ${named}. Where you have connected the two (a peering, say), add \`-c confirm=private\``;
  if (who === 'bastion')
    return `\`-c network=none\` leads to public ones; name the network that leads there in its place, ${named}`;
  return `store, evaluate and deliver run outside of any network; put them into the one that leads there, \`-c storeInVpc=true\` with ${named}`;
}

/** No firewall rule can be made for a port that is a secret. */
function portWarnings(config: Config, settings: Settings): string[] {
  if (!settings.storeInVpc || settings.egressPorts.length > 0) return [];
  const hidden = serviceEndpoints(config).filter(({ port }) => port === undefined);
  if (hidden.length === 0) return [];
  const fields = hidden.map(({ at }) => at).join(', ');
  const ports = servicePorts(config, settings).join(', ');
  return [
    `-c egressPorts: parameters hold the ports of ${fields}, and the network lets functions out to ${ports} alone. Where one has another port, name it, \`-c egressPorts=8443\`; where none has, \`-c egressPorts=${HTTPS}\` says so`,
  ];
}

function subnets(...nets: readonly [address: string, bits: number][]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of nets) list.addSubnet(address, bits);
  return list;
}
