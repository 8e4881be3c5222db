import type { Reading } from './reading.ts';

/** Within these days before its end a certificate is due, unless a short-lived one has enough of its life left: it counts as so long. */
const DUE_MS = 30 * 86_400_000;

/** Whoever renews certificates by a machine does so with a third left (cert-manager, ACME), or a fifth (OpenShift). */
const DUE_SHARE = 0.2;

/**
 * The kubelet renews its own at a random time, with 30 to 10 percent left:
 * https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/client-go/util/certificate/certificate_manager.go
 */
const KUBELET = { dueShare: 0.1, file: /\/kubelet-(client|server)-current\.pem$/, port: '10250' };

/** What a certificate's validity comes to at a time, as metrics: of a file `cert_…`, of what a port serves `tls_cert_…`. */
export function lifeReadings(
  prefix: 'cert' | 'tls_cert',
  labels: Reading['labels'],
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
  nowMs: number,
): Reading[] {
  const leftMs = untilMs - nowMs;
  const lifetimeMs = untilMs - fromMs;
  const reading = (name: string, value: number) => ({ metric: `${prefix}_${name}`, labels, value });
  const expiry = reading('expiry', leftMs / 1000);
  // A certificate that ends before it begins is never valid, and has no lifetime to compare with.
  if (lifetimeMs <= 0) return [expiry, reading('due', leftMs / 1000)];
  const share = Math.max(0, leftMs / lifetimeMs);
  const isDue = leftMs >= DUE_MS || share < dueShareOf(labels);
  return [
    expiry,
    reading('lifetime', lifetimeMs / 1000),
    reading('remaining', 100 * share),
    reading('due', (isDue ? leftMs : DUE_MS) / 1000),
  ];
}

/** How long until a certificate is valid, as a metric; below zero: since when it has been. */
export function beginsReading(
  prefix: 'cert' | 'tls_cert',
  labels: Reading['labels'],
  fromMs: number,
  nowMs: number,
): Reading {
  return { metric: `${prefix}_begins`, labels, value: (fromMs - nowMs) / 1000 };
}

function dueShareOf({ file = '', port }: Reading['labels']): number {
  return KUBELET.file.test(file) || port === KUBELET.port ? KUBELET.dueShare : DUE_SHARE;
}
