import { expect, it } from 'vitest';
import { noticeMessage } from './notice.ts';

const notice = {
  name: 'bartizan-restored',
  title: 'State restored',
  summary: 'State is that of an earlier time',
  atMs: 60_000,
  overAtMs: 120_000,
};
const message = (resolved: boolean, channel = 'ops') =>
  noticeMessage({ notice, channel, resolved, nowMs: 125_000, timeZone: 'Asia/Seoul' });

it('a notice is sent as a critical alert of its name that fires', () => {
  expect(message(false)).toMatchObject({
    channel: 'ops',
    status: 'firing',
    severity: 'critical',
    reason: 'first',
    number: 1,
    groupLabels: { rule: 'bartizan-restored' },
    atMs: 125_000,
    timeZone: 'Asia/Seoul',
    alerts: [
      {
        alertId: 'bartizan-restored',
        rule: 'bartizan-restored',
        title: 'State restored',
        summary: 'State is that of an earlier time',
        status: 'firing',
        labels: {},
        sinceMs: 60_000,
        firedAtMs: 60_000,
        news: true,
      },
    ],
  });
  for (const name of ['resolvedAtMs', 'clearedAtMs', 'untold'])
    expect(message(false).alerts[0]).not.toHaveProperty(name);
});

it('its second message says that it is over, under the next number of the same incident', () => {
  const [first, second] = [message(false), message(true)];
  expect(second).toMatchObject({
    status: 'resolved',
    reason: 'all-resolved',
    number: 2,
    incidentId: first.incidentId,
    alerts: [
      { status: 'resolved', firedAtMs: 60_000, resolvedAtMs: 120_000, clearedAtMs: 120_000, news: true },
    ],
  });
  // Readers were sent that it fired.
  expect(second.alerts[0]).not.toHaveProperty('untold');
  expect(second.key).not.toBe(first.key);
});

it('each channel has an incident of its own', () => {
  expect(message(false, 'mail').incidentId).not.toBe(message(false).incidentId);
});
