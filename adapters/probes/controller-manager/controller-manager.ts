import { probeOfComponent } from '../component-health.ts';

export const controllerManager = probeOfComponent({
  type: 'controller-manager',
  title: 'Controller manager: whether it is healthy',
  metric: 'controller_manager_healthy',
  port: 10257,
  path: '/healthz',
  tls: true,
  notWatched:
    'not watched: which controller manager leads, and its queues; a `prometheus` check with the `token` of a user bound to the ClusterRole `system:monitoring` shows its metrics',
});
