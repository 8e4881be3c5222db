import { expect, it } from 'vitest';
import { lifeReadings } from './certificate-life.ts';
import type { Reading } from './reading.ts';

const DAY = 86_400;

const FILE = { file: '/a' };
const CLIENT = { file: '/var/lib/kubelet/pki/kubelet-client-current.pem' };

it.each([
  ['a year, 300 days left', 365, 300, 300],
  ['a year, 31 days left', 365, 31, 31],
  ['a year, 29 days left', 365, 29, 29],
  ['ninety days, as ACME issues them, 31 left', 90, 31, 31],
  ['ninety days, 29 left: renewed at 30, it has time', 90, 29, 30],
  ['ninety days, 18 left: a fifth', 90, 18, 30],
  ['ninety days, 17 left: renewal is overdue', 90, 17, 17],
  ['one day, 6 hours left', 1, 0.25, 30],
  ['one day, 4 hours left', 1, 4 / 24, 4 / 24],
  ['one day, expired', 1, -0.5, -0.5],
  ['thirty days, the kubelet’s own, 4 left: it may still renew it', 30, 4, 30, CLIENT],
  ['thirty days, the kubelet’s own, 2 left', 30, 2, 2, CLIENT],
  ['thirty days, served by the kubelet, 4 left', 30, 4, 30, { port: '10250' }],
  ['thirty days, served by the API server, 4 left', 30, 4, 4, { port: '6443' }],
  ['thirty days, of the kubelet but not renewed by it, 4 left', 30, 4, 4, { file: '/pki/kubelet.crt' }],
])('a certificate of %s', (_what, lifetime, left, due, labels: Reading['labels'] = FILE) => {
  const untilMs = Date.UTC(2027, 0, 1);
  const life = { fromMs: untilMs - lifetime * DAY * 1000, untilMs };
  const readings = lifeReadings('cert', labels, life, untilMs - left * DAY * 1000);
  const value = readings.find(({ metric }) => metric === 'cert_due')?.value;
  expect(value).toBeCloseTo(due * DAY, 3);
  expect(readings.map(({ metric }) => metric).slice(0, 3)).toEqual([
    'cert_expiry',
    'cert_lifetime',
    'cert_remaining',
  ]);
});
