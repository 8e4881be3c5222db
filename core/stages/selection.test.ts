// A rule with `whereNot` comes to what it comes to where that was never there.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createShardFixture, MINUTE, ruleOf, targets } from '../../test/shard-fixture.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Sample } from '../model/sample.ts';
import { WHOLE } from '../plan/shards.ts';

const ROUNDS = 8;
const MOUNTS = ['/', '/boot', '/var/lib/kubelet/a'];

/** Read off the meaning: names begin with these. */
const leftOut = (begin: Record<string, string>, labels: Labels) =>
  Object.entries(begin).some(([label, start]) => labels[label]?.startsWith(start));

it('is the rule over samples and nodes that were filtered before (property)', async () => {
  const kinds = fc.constantFrom<Partial<Rule>>(
    {},
    { noData: 'alerting' },
    { noData: 'ok' },
    { aggregate: { by: ['cluster'], op: 'avg' } },
    { aggregate: { by: [], op: 'count' }, condition: { kind: 'below', threshold: 40 } },
    { window: { lastMs: 3 * MINUTE, reduce: 'max' } },
  );
  const begins = fc.dictionary(
    fc.constantFrom('cluster', 'node', 'role', 'mount'),
    fc.constantFrom('c1', 'c', 'c3-b', 'etcd', '/boot', '/var', '/'),
    { maxKeys: 2 },
  );
  const values = fc.array(fc.constantFrom(40, 95, 95, undefined), { minLength: 24, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(kinds, begins, values, async (kind, begin, drawn) => {
      const samples = targets.flatMap(({ cluster, node, role }, t) =>
        Array.from({ length: ROUNDS }, (_, round) => round).flatMap((round): Sample[] => {
          const timeMs = round * MINUTE;
          const disks = MOUNTS.flatMap((mount, m): Sample[] => {
            const value = drawn[(t * 5 + m * 7 + round) % drawn.length];
            const labels = { cluster, node, role, mount };
            return value === undefined ? [] : [{ metric: 'disk_usage', labels, timeMs, value }];
          });
          return [{ metric: 'up', labels: { cluster, node, role }, timeMs, value: 1 }, ...disks];
        }),
      );
      const rule = ruleOf('disks', { metric: 'disk_usage', ...kind });
      const whereNot = Object.fromEntries(
        Object.entries(begin).map(([label, start]) => [label, ['nothing', `${start}*`]]),
      );
      const run = async (rules: Rule[], kept: Sample[], nodes: typeof targets) => {
        const fixture = createShardFixture({ samples: kept, rules });
        const sentTexts: string[] = [];
        for (let round = 0; round < ROUNDS; round++)
          sentTexts.push(...(await fixture.evaluate(WHOLE, round, { targets: nodes })));
        return { sentTexts, left: await fixture.openAlerts() };
      };
      const kept = samples.filter(({ metric, labels }) => metric === 'up' || !leftOut(begin, labels));
      const nodes = targets.filter(({ cluster, node, role }) => !leftOut(begin, { cluster, node, role }));
      expect(await run([{ ...rule, whereNot }], samples, targets)).toEqual(await run([rule], kept, nodes));
    }),
    { numRuns: 40 },
  );
});
