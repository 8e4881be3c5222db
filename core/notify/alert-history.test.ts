import { describe, expect, it } from 'vitest';
import { alertOf, deliveryOf, transitionOf } from '../../test/contract/state-fixtures.ts';
import { pastFirings, sentMessages } from './alert-history.ts';

describe('past firings', () => {
  const [n, m] = [alertOf('n'), alertOf('m')];

  it('are pairs of firing and resolved, newest first; what fires still has no end', () => {
    const firings = pastFirings([
      transitionOf(n, 'pending', 1),
      transitionOf(n, 'firing', 2),
      transitionOf(m, 'firing', 3),
      transitionOf(n, 'resolved', 5),
      transitionOf(n, 'firing', 7),
      transitionOf(alertOf('old'), 'resolved', 8),
      transitionOf(m, 'resolved', 9),
    ]);
    expect(firings.map((one) => [one.alertId, one.firedAtMs, one.resolvedAtMs])).toEqual([
      [n.id, 7, undefined],
      [m.id, 3, 9],
      [n.id, 2, 5],
    ]);
  });

  it('have the messages that told something new of them, and no others', () => {
    const sent = sentMessages([
      { ...deliveryOf('d3', 'i1', 9), news: { 'mem:n@2': 'resolved' } },
      { ...deliveryOf('d1', 'i1', 3), news: { 'mem:n@2': 'firing', 'mem:m@3': 'firing' } },
      { ...deliveryOf('d2', 'i2', 4), channel: 'mail', news: { 'mem:n@2': 'firing' } },
      deliveryOf('reminder of an older release', 'i1', 5),
    ]);
    expect(sent.get('mem:n@2')?.map(({ channel, status, atMs }) => `${channel} ${status} ${atMs}`)).toEqual([
      'chat firing 3',
      'mail firing 4',
      'chat resolved 9',
    ]);
    expect(sent.get('mem:m@3')).toHaveLength(1);
  });
});
