import { probeOfComponent } from '../component-health.ts';

/** The kubelet of a control-plane node, on the plain port of its loopback (`healthzPort`). */
export const kubelet = probeOfComponent({
  type: 'kubelet',
  title: 'kubelet: whether it is healthy',
  metric: 'kubelet_healthy',
  port: 10248,
  path: '/healthz',
  tls: false,
});
