import type { AdapterDescriptor } from '../../core/registry.ts';
import { apiserver } from './apiserver/apiserver.ts';
import { command } from './command/command.ts';
import { controllerManager } from './controller-manager/controller-manager.ts';
import { etcd } from './etcd/etcd.ts';
import { hostkey } from './hostkey/hostkey.ts';
import { http } from './http/http.ts';
import { konnectivity } from './konnectivity/konnectivity.ts';
import { kubelet } from './kubelet/kubelet.ts';
import { pki } from './pki/pki.ts';
import type { Probe } from './probe.ts';
import { prometheus } from './prometheus/prometheus.ts';
import { scheduler } from './scheduler/scheduler.ts';
import { tcp } from './tcp/tcp.ts';
import { tls } from './tls/tls.ts';
import { usage } from './usage/usage.ts';

/** Every kind of check. A new one is a folder beside `usage/` and a line here. */
export const PROBES: readonly (AdapterDescriptor & Probe)[] = [
  usage,
  apiserver,
  etcd,
  pki,
  tls,
  http,
  tcp,
  konnectivity,
  kubelet,
  scheduler,
  controllerManager,
  prometheus,
  command,
  hostkey,
];
