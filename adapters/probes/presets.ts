import type { Preset } from '../../core/registry.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const APISERVERS = ['apiserver', 'controlplane'] as const;
const ETCDS = ['etcd', 'controlplane'] as const;

/** What answers through the bastion, without a login at the node and without a credential. */
const apiserver = { probe: 'apiserver', everyMs: MINUTE_MS, roles: APISERVERS, options: {} };
const etcd = { probe: 'etcd', everyMs: MINUTE_MS, roles: ETCDS, options: {} };

/** Which checks run where. What only root may read, or only a credential opens, is not in them: docs/control-planes.md says what is left. */
export const PRESETS: readonly Preset[] = [
  {
    type: 'kubeadm',
    title: 'kubeadm: stacked or separate etcd, PKI in /etc/kubernetes',
    checks: [apiserver, etcd, { probe: 'pki', everyMs: HOUR_MS, options: {} }],
  },
];
