import { expect, it } from 'vitest';
import { createStageFixture, MINUTE, memory, route, START } from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import { readUndelivered } from './undelivered.ts';

const disk: Rule = { ...memory, metric: 'disk_usage', forMs: 0, inhibitedBy: [] };
const RULES: Rule[] = [
  { ...disk, name: 'disk.critical', severity: 'critical', condition: { kind: 'above', threshold: 97 } },
  { ...disk, name: 'disk.warning', supersededBy: ['disk.critical'] },
];

function setup() {
  const fixture = createStageFixture({ rules: RULES, routes: [{ ...route, groupBy: ['rule', 'node'] }] });
  return {
    fixture,
    async round(minute: number, mounts: Readonly<Record<string, number>>) {
      const node = { cluster: 'prod', node: 'n1', role: 'etcd' };
      const timeMs = START + minute * MINUTE;
      fixture.put(minute, { n1: 1 }, 'up');
      await fixture.ports.store.write(
        Object.entries(mounts).map(([mount, value]) => {
          const labels = { ...node, mount, device: 'sda' };
          return { metric: 'disk_usage', labels, timeMs, value };
        }),
      );
      await fixture.goTo(minute);
      await fixture.evaluate(minute);
      await fixture.notify();
    },
    /** Rule and mount of each alert that a message was about. */
    sent: () =>
      fixture.sent.map(({ notification: { alerts } }) =>
        alerts.map(({ rule, labels }) => `${rule} ${labels.mount}`).join(),
      ),
  };
}

it('a tier keeps the lower ones quiet for the very labels of its alerts only', async () => {
  const { fixture, round, sent } = setup();
  await round(0, { '/': 50, '/data': 50 });
  await round(1, { '/': 92, '/data': 98 });
  expect(sent().sort()).toEqual(['disk.critical /data', 'disk.warning /']);
  expect((await readUndelivered(fixture.config, fixture.ports)).undelivered).toEqual([]);
});

it('when it ends the lower tier that goes on is sent', async () => {
  const { round, sent } = setup();
  await round(0, { '/data': 50 });
  await round(1, { '/data': 98 });
  for (const minute of [2, 3, 4, 5, 6, 7, 8]) await round(minute, { '/data': 95 });
  expect(sent()).toEqual(['disk.critical /data', 'disk.critical /data', 'disk.warning /data']);
});
