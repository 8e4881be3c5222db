import { probeOfComponent } from '../component-health.ts';

/** The konnectivity server (`--health-port`): ready while an agent of a worker is connected, else nothing reaches the workers. */
export const konnectivity = probeOfComponent({
  type: 'konnectivity',
  title: 'konnectivity: the way from the control plane to the workers',
  metric: 'konnectivity_ready',
  port: 8134,
  path: '/readyz',
  tls: false,
});
