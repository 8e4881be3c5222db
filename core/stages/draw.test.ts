import { expect, it } from 'vitest';
import { sampleAlert, sampleNotification } from '../../test/contract/notifications.ts';
import { MINUTE, memory } from '../../test/stage-fixture.ts';
import type { PictureOrder } from '../chart/series.ts';
import type { Incident } from '../model/incident.ts';
import type { ChartStore } from '../ports.ts';
import { createDraw } from './draw.ts';

const incident = (channel: string): Incident => ({
  id: 'inc',
  route: 'default',
  channel,
  groupKey: 'g',
  groupLabels: {},
  openedAtMs: 0,
  alerts: [],
  rules: { [memory.name]: memory },
  notified: {},
  notifications: 0,
});

const channels = (['dark', 'light'] as const).map((theme) => ({
  name: theme,
  type: 'webhook',
  theme,
  options: {},
}));
const notification = sampleNotification({ alerts: [sampleAlert({ rule: memory.name })] });

function createStudio(charts: ChartStore) {
  const orders: PictureOrder[] = [];
  const ages: (number | undefined)[] = [];
  const draw = createDraw({
    drawer: {
      async draw(order, { newestMs }) {
        orders.push(order);
        ages.push(newestMs);
        return { png: new Uint8Array(), width: 1, height: 1, alt: '' };
      },
    },
    charts,
    config: {
      channels,
      checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
      schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 0 },
    },
  });
  return { draw, orders, ages };
}

it('draws in the colours of the channel', async () => {
  const { draw, orders } = createStudio({ put: async () => 'https://example.net/c.png' });
  for (const name of ['dark', 'light', 'gone']) await draw(notification, incident(name));
  expect(orders.map(({ theme }) => theme)).toEqual(['dark', 'light', 'dark']);
});

it('draws nothing for a channel that shows an address, where a picture gets none', async () => {
  const { draw, orders } = createStudio({ unpublished: true, put: async () => undefined });
  const signal = new AbortController().signal;
  expect(await draw(notification, incident('dark'), { signal, form: 'address' })).toBeUndefined();
  expect(orders).toEqual([]);
  expect(await draw(notification, incident('dark'), { signal, form: 'bytes' })).toBeDefined();
});

it('is as new as the newest alert that it shows, however long its incident is open', async () => {
  const { draw, ages } = createStudio({ put: async () => undefined });
  const sentTexts = (...alerts: { firedAtMs: number; resolvedAtMs?: number }[]) =>
    sampleNotification({ alerts: alerts.map((alert) => sampleAlert({ rule: memory.name, ...alert })) });
  await draw(sentTexts({ firedAtMs: 5 }, { firedAtMs: 9 }), incident('dark'));
  await draw(sentTexts({ firedAtMs: 5, resolvedAtMs: 12 }, { firedAtMs: 9 }), incident('dark'));
  expect(ages).toEqual([9, 12]);
});
