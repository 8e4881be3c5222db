// The whole process when its clock jumps by an hour, as happens on a machine whose clock NTP corrects late.

import { afterEach, describe, expect, it } from 'vitest';
import type { Rule } from '../../core/model/rule.ts';
import { MINUTE, type ProcessFixture, START, startProcess } from '../process-fixture.ts';

const memory: Rule = {
  name: 'memory',
  title: 'Memory',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 5 * MINUTE,
  keepFiringForMs: 0,
  noData: 'alerting',
  severity: 'critical',
  inhibitedBy: [],
};
const down: Rule = {
  ...memory,
  name: 'down',
  title: 'Down',
  metric: 'up',
  condition: { kind: 'below', threshold: 1 },
  forMs: 2 * MINUTE,
};

let course: ProcessFixture;
afterEach(() => course.stop());

/** `minute rule node:status` for each message; the minutes are those of the clock at that time. */
const sentLines = () =>
  course.sent.map(({ notification, atMs }) => {
    const alerts = notification.alerts.map((alert) => `${alert.labels.node}:${alert.status}`);
    return `${Math.floor((atMs - START) / MINUTE)} ${notification.groupLabels.rule} ${alerts.join('+')}`;
  });

function start(values: ProcessFixture['values']): void {
  course = startProcess({ nodes: 3, values, rules: [memory, down] });
}
const goTo = (minute: number) => course.time.advanceTo(START + minute * MINUTE + 1);

describe('when the clock jumps an hour ahead', () => {
  it('a firing alert goes on, a healthy node does not fire, and the gap does not count towards `for`', async () => {
    // n1 fires before the jump; n2 breaches from two minutes before it; n3 is healthy.
    start((node, roundMs) =>
      node === 'n1' ? 95 : node === 'n2' && roundMs >= START + 18 * MINUTE ? 95 : 40,
    );
    await goTo(20);
    expect(sentLines()).toEqual(['5 memory n1:firing']);
    course.time.jumpTo(START + 80 * MINUTE + 2);
    await goTo(84);
    expect(sentLines()).toEqual(['5 memory n1:firing']);
    expect(course.meter.total('rounds_skipped_total')).toBe(59);
    // The gap ends the streak of n2; a new one begins with the first round after it.
    await goTo(87);
    expect(sentLines()).toEqual(['5 memory n1:firing', '85 memory n2:firing']);
  });
});

describe('when the clock jumps an hour back', () => {
  it('a firing alert goes on, and its end and new alerts are sent', async () => {
    const breaching = new Set(['n1']);
    start((node) => (breaching.has(node) ? 95 : 40));
    await goTo(20);
    course.time.jumpTo(START + 80 * MINUTE + 2);
    await goTo(100);
    course.time.jumpTo(START + 40 * MINUTE + 2);
    await goTo(50);
    expect(sentLines()).toEqual(['5 memory n1:firing']);
    breaching.delete('n1');
    breaching.add('n2');
    await goTo(60);
    expect(sentLines().slice(1)).toEqual(['51 memory n1:resolved', '56 memory n2:firing']);
  });

  it('no node counts as lost, but a node that is really lost is sent', async () => {
    let lost = false;
    start((node) => (lost && node === 'n3' ? undefined : 40));
    await goTo(70);
    course.time.jumpTo(START + 10 * MINUTE + 2);
    // Rounds of these minutes have samples already, and the first write wins, so nothing new is known until minute 71.
    await goTo(30);
    expect(sentLines()).toEqual([]);
    expect(course.logger.lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^the clock was set back/),
    );
    lost = true;
    await goTo(75);
    expect(sentLines().sort()).toEqual(['73 down n3:firing', '73 memory n3:firing']);
    expect(course.meter.total('clock_set_back_total')).toBe(1);
  });
});
