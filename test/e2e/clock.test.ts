// The whole process while its clock jumps by an hour, as one that was never set does when NTP first reaches it.

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

/** `minute rule node:status` of each message; minutes by the clock of then. */
const sentLines = () =>
  course.sent.map(({ notification, atMs }) => {
    const alerts = notification.alerts.map((alert) => `${alert.labels.node}:${alert.status}`);
    return `${Math.floor((atMs - START) / MINUTE)} ${notification.groupLabels.rule} ${alerts.join('+')}`;
  });

function start(values: ProcessFixture['values']): void {
  course = startProcess({ nodes: 3, values, rules: [memory, down] });
}
const goTo = (minute: number) => course.time.advanceTo(START + minute * MINUTE + 1);

describe('an hour forward', () => {
  it('neither ends what fires, nor fires what is well, nor takes the gap for a hold', async () => {
    // n1 fires before the jump; n2 breaches for two minutes before it and on; n3 is well.
    start((node, roundMs) =>
      node === 'n1' ? 95 : node === 'n2' && roundMs >= START + 18 * MINUTE ? 95 : 40,
    );
    await goTo(20);
    expect(sentLines()).toEqual(['5 memory n1:firing']);
    course.time.jumpTo(START + 80 * MINUTE + 2);
    await goTo(84);
    expect(sentLines()).toEqual(['5 memory n1:firing']);
    expect(course.meter.total('rounds_skipped_total')).toBe(59);
    // The run of n2 is broken by the gap: it holds from the first round after.
    await goTo(87);
    expect(sentLines()).toEqual(['5 memory n1:firing', '85 memory n2:firing']);
  });
});

describe('an hour back', () => {
  it('goes on with what fires, tells of its end, and of what begins then', async () => {
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

  it('does not take nodes for lost, and tells of one that is', async () => {
    let lost = false;
    start((node) => (lost && node === 'n3' ? undefined : 40));
    await goTo(70);
    course.time.jumpTo(START + 10 * MINUTE + 2);
    // Rounds of these minutes have samples already: the first write wins, and nothing new is known until 71.
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
