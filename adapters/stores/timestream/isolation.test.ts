// Records by which the service calls a whole request invalid.

import { expect, it } from 'vitest';
import { PermanentError } from '../../../core/errors.ts';
import type { Sample } from '../../../core/model/sample.ts';
import type { TimestreamApi } from './api.ts';
import { writeSamples } from './writing.ts';

function strictService(bad: readonly string[]) {
  const taken: string[] = [];
  let requests = 0;
  const api: Pick<TimestreamApi, 'write'> = {
    async write(records) {
      requests++;
      const nodes = records.map(
        ({ Dimensions }) => Dimensions?.find(({ Name }) => Name === 'node')?.Value ?? '',
      );
      if (nodes.some((node) => bad.includes(node))) throw new PermanentError('called invalid');
      taken.push(...nodes);
      return [];
    },
  };
  return { api: api as TimestreamApi, taken, requests: () => requests };
}
const samples = Array.from({ length: 300 }, (_, i): Sample => {
  return { metric: 'up', labels: { cluster: 'c', node: `n${i}`, role: 'etcd' }, timeMs: 60_000, value: 1 };
});
const table = { database: 'd', table: 't' };

it('cost nobody else a sample, in a bounded number of requests', async () => {
  const bad = ['n3', 'n50', 'n120', 'n299'];
  const { api, taken, requests } = strictService(bad);
  const result = await writeSamples(api, table, samples);
  expect(result.rejected.map(({ sample, cause }) => [sample.labels.node, cause])).toEqual(
    bad.map((node) => [node, 'invalid']),
  );
  expect([result.written, taken.length]).toEqual([296, 296]);
  expect(requests()).toBeLessThan(60);
});

it('where all are, the write fails after so many requests', async () => {
  const { api, requests } = strictService(samples.map(({ labels }) => labels.node ?? ''));
  await expect(writeSamples(api, table, samples)).rejects.toThrow(PermanentError);
  expect(requests()).toBeLessThan(250);
});
