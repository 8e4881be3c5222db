import { expect, it } from 'vitest';
import { DEFAULT_CHECKS, defaultRules } from '../core/config/defaults.ts';
import { MINUTE, START, startProcess } from './process-fixture.ts';

/** The same as a thousand a round and five hundred an hour, but cheaper. */
const NEW = 100;
const MOST = 50;
const ROUNDS = 20;
/** New names in each round. */
const flood = (roundMs: number) =>
  Array.from({ length: NEW }, (_, i) => `/var/lib/kubelet/pods/${roundMs / MINUTE}-${i}/volumes/x/mount`);

it('a node that has new mounts in each round causes one alert, no growth of memory, and no harm to other nodes', async () => {
  const rules = defaultRules(DEFAULT_CHECKS);
  const course = startProcess({
    nodes: 3,
    rules,
    maxNewLabelSets: MOST,
    values: (node, roundMs) => (node === 'n2' && roundMs > START + 5 * MINUTE ? 95 : 40),
    mounts: (node, roundMs) => (node === 'n1' ? flood(roundMs) : ['/', '/var']),
  });
  let open = 0;
  for (let minute = 0; minute <= ROUNDS; minute++) {
    await course.time.advanceTo(START + minute * MINUTE);
    open = Math.max(open, (await course.state.listAlerts()).length);
  }
  const alerts = await course.state.listAlerts();
  const firing = alerts.filter(({ value }) => value.status === 'firing').map(({ value }) => value);
  const about = firing.filter(({ rule }) => rule === 'label-sets-dropped');
  expect(about.map(({ labels, value }) => [labels.node, value])).toEqual([['n1', NEW - MOST]]);
  // The disks of the first round, each under two rules, and the seven others.
  expect(open).toBeLessThanOrEqual(2 * (MOST + 4) + 7);
  const disks = new Set(
    (await course.store.latest({ metric: 'disk_usage', sinceMs: 0 })).map(({ labels }) => labels.mount),
  );
  expect(disks.size).toBe(MOST + 2);
  expect(course.meter.total('label_sets_dropped_total')).toBe(NEW - MOST + ROUNDS * NEW);
  // Other alerts are sent as usual, and there are few messages.
  const sent = course.sent.map(({ notification }) => [
    notification.groupLabels.rule,
    notification.groupLabels.node,
  ]);
  expect(sent).toContainEqual(['memory', 'n2']);
  expect(sent.filter(([rule]) => rule === 'label-sets-dropped')).toHaveLength(1);
  expect(sent.length).toBeLessThan(20);
  await course.stop();
});
