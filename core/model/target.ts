import type { Labels } from './labels.ts';

export const ROLES = ['apiserver', 'etcd', 'controlplane'] as const;

export type Role = (typeof ROLES)[number];

/** Roles of nodes that run an API server, and of those that run an etcd. */
export const APISERVER_ROLES: readonly Role[] = ['apiserver', 'controlplane'];
export const ETCD_ROLES: readonly Role[] = ['etcd', 'controlplane'];

/** One control-plane VM as a round addresses it. Host keys are known_hosts style: `ssh-ed25519 AAAA…`. */
export interface Target {
  cluster: string;
  node: string;
  role: Role;
  host: string;
  port: number;
  user: string;
  bastion: string;
  /** Further bastions that lead to it, in order. */
  otherBastions?: readonly string[];
  hostKeys: readonly string[];
  /** Labels that the inventory gives it, with those of its cluster. Absent where it gives none. */
  labels?: Labels;
}
