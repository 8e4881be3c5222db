// `node test/promql/campaign.ts [--seeds 1..20] [--queries 1000]`: compares our answers with those of the engine over samples and
// queries of many seeds, and prints what differs.
import { parseArgs } from 'node:util';
import { compareWithEngine } from './proof.ts';
import { generateQueries } from './queries.ts';
import { generateSamples } from './samples.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1..20' }, queries: { type: 'string', default: '1000' } },
});
const [from = 1, to = from] = values.seeds.split('..').map(Number);
const total = { compared: 0, different: 0, excused: 0 };
for (let seed = from; seed <= to; seed++) {
  const queries = generateQueries(seed, Number(values.queries));
  const { different, excused } = await compareWithEngine(generateSamples(seed), queries);
  for (const one of different) process.stdout.write(`seed ${seed}: ${JSON.stringify(one, null, 2)}\n`);
  total.compared += queries.length;
  total.different += different.length;
  total.excused += excused;
}
const { compared, different, excused } = total;
process.stdout.write(`${compared} queries: ${different} differ, ${excused} for documented reasons\n`);
process.exitCode = different > 0 ? 1 : 0;
