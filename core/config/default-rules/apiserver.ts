// Default rules on API servers and the parts around them. Thresholds follow kubernetes-mixin; holds are shorter:
// https://github.com/kubernetes-monitoring/kubernetes-mixin

import { APISERVER_ROLES } from '../../model/target.ts';
import type { RuleText } from './rule-text.ts';

/** An aggregate needs a value of half of the nodes it expects, so it expects only those that have one. */
const APISERVERS = { role: [...APISERVER_ROLES] };

const DOWN = ['node-down', 'apiserver-down'];

/** Without a leader of etcd no API server is ready. */
const NOT_READY = [...DOWN, 'etcd-no-leader'];

/** What keeps its lease through the API server of its node ends without one. */
const WITHOUT_API = [...NOT_READY, 'apiserver-check', 'apiserver-not-ready'];

/** A part whose health is one yes or no. */
function unhealthy(name: string, title: string, metric: string, inhibitedBy = ['node-down']): RuleText {
  return {
    name,
    title: `${title} unhealthy`,
    metric,
    below: 1,
    for: '5m',
    severity: 'warning',
    inhibitedBy,
    summary: `${title} of {{node}} has not been healthy for {{held}}`,
  };
}

export const APISERVER_RULES: readonly RuleText[] = [
  {
    // KubeAPIDown. One that answers 401 or 403 is up: it only hides more. One without an answer may be hidden by a firewall.
    name: 'apiserver-down',
    title: 'API server unreachable',
    metric: 'apiserver_up',
    below: 1,
    for: '5m',
    severity: 'critical',
    inhibitedBy: ['node-down'],
    summary:
      'nothing has answered at the port of the API server of {{node}} for {{held}}: it is down, or a firewall hides it',
  },
  {
    name: 'apiserver-check',
    title: 'API server not ready, a check fails',
    metric: 'apiserver_check',
    // One that is about to end fails `shutdown` until load balancers have noticed, on OpenShift for up to 3.5 minutes
    // (`shutdown-delay-duration`). If it takes longer, `apiserver-not-ready` fires.
    whereNot: { name: 'shutdown' },
    below: 1,
    for: '3m',
    severity: 'critical',
    inhibitedBy: NOT_READY,
    summary: 'the API server of {{node}} has not been ready for {{held}}: check {{name}} fails',
  },
  {
    // For a server that names no check, or another one each time. One that drains and starts again takes some six minutes.
    name: 'apiserver-not-ready',
    title: 'API server not ready',
    metric: 'apiserver_ready',
    below: 1,
    for: '10m',
    severity: 'critical',
    inhibitedBy: [...NOT_READY, 'apiserver-check'],
    summary: 'the API server of {{node}} answers, and has not been ready for {{held}}',
  },
  {
    // API servers of one cluster may be one minor version apart: https://kubernetes.io/releases/version-skew-policy/
    // Two minors apart are at least 1,900 here, however many patches the older one has.
    name: 'apiserver-version-skew',
    title: 'API servers of several versions',
    metric: 'apiserver_version',
    where: APISERVERS,
    aggregate: { by: ['cluster'], op: 'spread' },
    for: '1d',
    tiers: {
      warning: {
        above: 0,
        summary:
          'API servers of {{cluster}} have run several versions for {{held}}: is an upgrade unfinished?',
      },
      critical: {
        above: 1_900,
        for: '1h',
        summary: 'API servers of {{cluster}} are more than one minor version apart',
      },
    },
  },
  {
    name: 'konnectivity',
    title: 'No way to the workers',
    metric: 'konnectivity_ready',
    below: 1,
    for: '5m',
    severity: 'critical',
    inhibitedBy: DOWN,
    summary: 'no agent is connected to the konnectivity server of {{node}}: logs, exec and webhooks fail',
  },
  unhealthy('kubelet-unhealthy', 'kubelet', 'kubelet_healthy'),
  unhealthy('scheduler-unhealthy', 'Scheduler', 'scheduler_healthy', WITHOUT_API),
  unhealthy('controller-manager-unhealthy', 'Controller manager', 'controller_manager_healthy', WITHOUT_API),
  {
    name: 'http-failing',
    title: 'HTTP check fails',
    metric: 'http_up',
    below: 1,
    for: '5m',
    severity: 'warning',
    inhibitedBy: ['node-down'],
    summary: '{{check}} of {{node}} has not answered as expected for {{held}}',
  },
  {
    name: 'tcp-closed',
    title: 'TCP port closed',
    metric: 'tcp_up',
    below: 1,
    for: '5m',
    severity: 'warning',
    inhibitedBy: ['node-down'],
    summary: '{{check}} of {{node}} has accepted no connection for {{held}}',
  },
  {
    name: 'command-failing',
    title: 'Command fails',
    metric: 'command_ok',
    below: 1,
    for: '5m',
    severity: 'warning',
    inhibitedBy: ['node-down'],
    summary: 'the script of {{check}} has failed on {{node}} for {{held}}',
  },
];
