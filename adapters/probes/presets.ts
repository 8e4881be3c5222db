import { APISERVER_ROLES, ETCD_ROLES } from '../../core/model/target.ts';
import type { Preset } from '../../core/registry.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Answers through the bastion, without a login at the node and without a credential. */
const apiserver = { probe: 'apiserver', everyMs: MINUTE_MS, roles: APISERVER_ROLES, options: {} };
/** etcd and kubelet log each handshake as an error, and certificates change rarely. */
const tls = { probe: 'tls', everyMs: HOUR_MS, options: {} };
const etcd = { probe: 'etcd', everyMs: MINUTE_MS, roles: ETCD_ROLES, options: {} };
/** They answer their health to everybody on the node's loopback (`--authorization-always-allow-paths`, `healthzBindAddress`). */
const components = [
  { probe: 'kubelet', everyMs: MINUTE_MS, options: {} },
  { probe: 'scheduler', everyMs: MINUTE_MS, roles: APISERVER_ROLES, options: {} },
  { probe: 'controller-manager', everyMs: MINUTE_MS, roles: APISERVER_ROLES, options: {} },
];
const pkiOf = (preset: string) => ({ probe: 'pki', everyMs: HOUR_MS, options: { preset } });

/**
 * Which checks run where. They need no credential beyond the key for the bastion; docs/control-planes.md has what each
 * distribution then shows, and what is left.
 */
export const PRESETS: readonly Preset[] = [
  { type: 'kubeadm', title: 'kubeadm', checks: [apiserver, tls, etcd, ...components, pkiOf('kubeadm')] },
  {
    type: 'k3s',
    title: 'k3s, with embedded etcd or SQLite',
    checks: [apiserver, tls, { ...etcd, options: { optional: true } }, pkiOf('k3s')],
  },
  { type: 'rke2', title: 'RKE2', checks: [apiserver, tls, etcd, ...components, pkiOf('rke2')] },
  // Its etcd asks for a client certificate.
  { type: 'openshift', title: 'OpenShift', checks: [apiserver, tls, pkiOf('openshift')] },
  { type: 'talos', title: 'Talos', withoutSsh: true, checks: [apiserver, tls] },
];
