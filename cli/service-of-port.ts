// What the checks of a configuration know of a port on a node: who connects to it, whether it speaks TLS, and how.

import { dirname, resolve } from 'node:path';
import type { Via } from '../adapters/probes/probe.ts';
import { PROBES } from '../adapters/probes/registry.ts';
import { resolvePath } from '../core/config/file-path.ts';
import { findReferences } from '../core/config/secret-text.ts';
import type { Check } from '../core/model/check.ts';
import type { Target } from '../core/model/target.ts';
import { readOptions } from '../core/registry.ts';
import { isSelected } from '../core/selection.ts';

export interface PortService {
  via: Via;
  /** Where the hop connects to. */
  host: string;
  port: number;
  tls: boolean;
  /** Name in its certificate: that of a check, else the address of the node. */
  name: string;
  /** The `ca` of a check, as written. */
  ca?: string;
  /** A path worth asking for. */
  path: string;
}

export const API_PORT = 6443;
/** kube-apiserver, etcd, kubelet, controller manager, scheduler, RKE2's supervisor, and HTTPS itself. */
const TLS_PORTS: readonly number[] = [443, 2379, 2380, API_PORT, 8443, 9345, 10250, 10257, 10259];
/** Kinds of checks that speak TLS without a `tls` among their options. */
const TLS_PROBES: readonly string[] = ['apiserver', 'tls'];
const NODE_LOOPBACK = '127.0.0.1';

/** Without a check of the port, the bastion connects to it. */
export function serviceOfPort(
  checks: readonly Check[],
  target: Target,
  port: number,
  wantedVia?: Via,
): PortService {
  const known = checks.flatMap((check) => endpointsOf(check, target)).filter((one) => one.port === port);
  const via = wantedVia ?? known[0]?.via ?? 'bastion';
  const mine = known.filter((one) => one.via === via);
  const first = <Key extends 'servername' | 'ca'>(key: Key) =>
    mine.map(({ options }) => options[key]).find((value): value is string => typeof value === 'string');
  const ca = first('ca');
  const tls = mine.length > 0 ? mine.some((one) => one.tls) : TLS_PORTS.includes(port);
  const isApi = port === API_PORT || mine.some(({ probe }) => probe === 'apiserver');
  const paths = mine.map(({ options }) => options.path).filter((path) => typeof path === 'string');
  return {
    via,
    host: via === 'bastion' ? target.host : NODE_LOOPBACK,
    port,
    tls,
    name: first('servername') ?? target.host,
    ...(ca !== undefined && { ca }),
    path: isApi ? '/readyz?verbose' : (paths[0] ?? '/'),
  };
}

/** Ports on which checks of the node ask a kube-apiserver; the usual one where there is no such check. */
export function apiPortsOf(checks: readonly Check[], target: Target): number[] {
  const ports = checks
    .filter(({ probe }) => probe === 'apiserver')
    .flatMap((check) => endpointsOf(check, target).map(({ port }) => port));
  return ports.length > 0 ? [...new Set(ports)] : [API_PORT];
}

/** The path of the file that is the whole of a `ca`, such as `${file:ca.crt}`, for a command line. */
export function fileOfCa(ca: string | undefined, configFile: string): string | undefined {
  const [reference] = ca === undefined ? [] : findReferences(ca);
  if (reference?.kind !== 'file' || reference.text !== ca?.trim()) return undefined;
  if (reference.name.startsWith('~')) return reference.name;
  return resolvePath(reference.name, { baseDir: dirname(resolve(configFile)) });
}

function endpointsOf(check: Check, target: Target) {
  const { where, whereNot, probe: type } = check;
  const { cluster, node, role } = target;
  const probe = PROBES.find((candidate) => candidate.type === type);
  const options = probe && readOptions(probe, check.options);
  if (!probe || !options) return [];
  if (!isSelected({ where, ...(whereNot && { whereNot }) }, { cluster, node, role })) return [];
  const tls = options.tls === true || TLS_PROBES.includes(type);
  // A service of another host than the node is none of its ports.
  return probe
    .endpointsFor(options)
    .filter(({ host }) => host === undefined || host === target.host || host === NODE_LOOPBACK)
    .map(({ via, port }) => ({ probe: type, via, port, tls, options }));
}
