import { expect, it } from 'vitest';
import type { SeriesQuery } from '../../core/ports.ts';
import { limitStore } from './limited-store.ts';
import { createSight } from './sight.ts';

it('shows no roll-ups, of hours neither, of what the selector hides', async () => {
  const asked: SeriesQuery[] = [];
  const hidden = ['a', 'b'].map((cluster) => ({
    metric: 'up',
    labels: { cluster, node: 'n' },
    points: [{ timeMs: 0, avg: 1, max: 1, p95: 1 }],
  }));
  const read = async (query: SeriesQuery) => {
    asked.push(query);
    return hidden;
  };
  const sight = createSight([{ name: 'cluster', op: '=', value: 'a' }], []);
  const none = async () => [];
  const store = { query: none, latest: none, rollUps: read };
  const limited = limitStore({ ...store, hourlyRollUps: read }, async () => sight);
  const query = { metric: 'up', fromMs: 0, toMs: 1 };
  for (const find of [limited.rollUps, limited.hourlyRollUps])
    expect((await find?.(query))?.map(({ labels }) => labels.cluster)).toEqual(['a']);
  expect(asked).toHaveLength(2);
  expect(limitStore(store, async () => sight)).not.toHaveProperty('hourlyRollUps');
});
