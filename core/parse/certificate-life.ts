import type { Reading } from './reading.ts';

/** Within these days before its end a certificate is due, unless a short-lived one has enough of its life left: it counts as so long. */
const DUE_MS = 30 * 86_400_000;

/** Whoever renews certificates by a machine does so with a third left (cert-manager, ACME), or a fifth (kubelet, OpenShift). */
const DUE_SHARE = 0.2;

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
  const isDue = leftMs >= DUE_MS || share < DUE_SHARE;
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
