// Default rules on certificates. 7 days and 1 day are those of kubernetes-mixin (KubeClientCertificateExpiration):
// https://github.com/kubernetes-monitoring/kubernetes-mixin
// 30 days leave time for a change in a maintenance window. Metrics `…_due` keep short-lived certificates quiet until their
// renewal is overdue. A check that cannot run any more renews nothing, so its alerts stay.

import type { RuleText } from './rule-text.ts';

const DAY = 86_400;
/** Authorities backdate what they sign by five minutes or more, as clocks differ: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/client-go/util/cert/cert.go */
const CLOCK_SKEW = 300;

/** Rules on the files of a node, or on what its ports serve. */
function validityRules(of: {
  prefix: string;
  title: string;
  metrics: { due: string; begins: string };
  what: string;
}): RuleText[] {
  const shared = { metric: of.metrics.due, for: '0s', inhibitedBy: ['node-down'] };
  const lastDay = `${of.prefix}cert-last-day`;
  return [
    {
      ...shared,
      name: `${of.prefix}cert-expiring`,
      supersededBy: [lastDay],
      title: `${of.title} expires`,
      tiers: { warning: { below: 30 * DAY }, critical: { below: 7 * DAY } },
      summary: `${of.what} expires in {{value}}`,
    },
    {
      ...shared,
      name: lastDay,
      title: `${of.title} in its last day`,
      below: DAY,
      severity: 'critical',
      summary: `${of.what} has {{value}} left (below zero: it has expired)`,
    },
    {
      ...shared,
      name: `${of.prefix}cert-not-yet-valid`,
      title: `${of.title} not valid yet`,
      metric: of.metrics.begins,
      above: CLOCK_SKEW,
      severity: 'warning',
      summary: `${of.what} is not valid yet: its validity begins in {{value}}`,
    },
  ];
}

export const CERTIFICATE_RULES: readonly RuleText[] = [
  ...validityRules({
    prefix: '',
    title: 'Certificate',
    metrics: { due: 'cert_due', begins: 'cert_begins' },
    what: '{{file}} on {{node}}',
  }),
  ...validityRules({
    prefix: 'served-',
    title: 'Served certificate',
    metrics: { due: 'tls_cert_due', begins: 'tls_cert_begins' },
    what: 'the certificate that port {{port}} of {{node}} serves',
  }),
  {
    name: 'served-name-wrong',
    title: 'Served certificate without the expected name',
    metric: 'tls_name_ok',
    below: 1,
    for: '0s',
    severity: 'warning',
    inhibitedBy: ['node-down'],
    summary: 'the certificate that port {{port}} of {{node}} serves is not for an expected name',
  },
  {
    name: 'served-chain-wrong',
    title: 'Served chain wrong',
    metric: 'tls_chain_ok',
    below: 1,
    for: '0s',
    severity: 'warning',
    inhibitedBy: ['node-down'],
    summary: 'what port {{port}} of {{node}} serves does not lead to the configured CA',
  },
];
