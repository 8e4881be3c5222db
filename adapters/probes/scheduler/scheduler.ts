import { probeOfComponent } from '../component-health.ts';

export const scheduler = probeOfComponent({
  type: 'scheduler',
  title: 'Scheduler: whether it is healthy',
  metric: 'scheduler_healthy',
  port: 10259,
  path: '/healthz',
  tls: true,
  notWatched:
    'not watched: which scheduler leads, and pods that wait; a `prometheus` check with the `token` of a user bound to the ClusterRole `system:monitoring` shows its metrics',
});
