// The monthly cost of a deployment: `node test/cloud/cost.ts` runs rounds of 100 to 30,000 nodes through the handlers with fakes,
// with usage alone and with the preset kubeadm, counts the units that AWS bills, and writes the tables of docs/scale-and-cost.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchMs, NODE_COST } from './batch-time.ts';
import {
  CONCURRENCY,
  commonLines,
  LAYOUTS,
  lambdaDollars,
  networkBill,
  RTTS,
  storeDollars,
  trafficGb,
} from './bill.ts';
import { type Counts, count, type Size } from './counts.ts';
import type { Watch } from './fleet.ts';
import { storedBytes } from './stored-bytes.ts';
import { type Deployed, deployed } from './template.ts';

/** `times`: counted as so many fleets of its share, as rounds of a larger one take too long here. */
const SIZES: readonly (Omit<Size, 'watch'> & { times: number })[] = [
  { nodes: 100, bastions: 1, shards: 1, times: 1 },
  { nodes: 1_000, bastions: 1, shards: 1, times: 1 },
  { nodes: 10_000, bastions: 5, shards: 5, times: 5 },
  { nodes: 30_000, bastions: 15, shards: 15, times: 15 },
];
const WATCHES: readonly (readonly [watch: Watch, title: string])[] = [
  ['usage', 'Usage alone'],
  ['kubeadm', 'With the preset kubeadm'],
];
const DOC = join(import.meta.dirname, '../../docs/scale-and-cost.md');

interface Found {
  size: Size;
  /** What a node needs in the embedded store. */
  bytesADay: number;
  counts: Counts;
  made: Deployed;
}

const dollars = (value: number) =>
  value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
const number = (value: number) => Math.round(value).toLocaleString('en-US');
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const bold = (text: string) => `**${text}**`;

function head(first: string): string[] {
  return [
    row([first, ...SIZES.map(({ nodes }) => `${number(nodes)} nodes`)]),
    row(['---', ...SIZES.map(() => '---:')]),
  ];
}

/** The sum without store and network, with nodes at that distance. */
function base({ size, counts, made }: Found, rttMs: number): number {
  const lines = commonLines(size, counts, made);
  return lines.reduce((sum, [, value]) => sum + value, lambdaDollars(size, counts, made, { rttMs }));
}

function monthTables(found: readonly Found[]): string[] {
  const each = (what: string, value: (one: Found) => string) => row([what, ...found.map(value)]);
  const lines = (found[0] ? commonLines(found[0].size, found[0].counts, found[0].made) : []).map(
    ([what]) => what,
  );
  const network = (what: string, i: number, part: 'way' | 'out' | 'zones') =>
    each(what, ({ size, counts }) => {
      const layout = LAYOUTS[i];
      return layout ? dollars(networkBill(size, counts, layout)[part]) : '';
    });
  return [
    ...head('US dollars a month'),
    ...RTTS.map((rttMs) =>
      each(`Lambda, ${rttMs} ms to the nodes`, (one) =>
        dollars(lambdaDollars(one.size, one.counts, one.made, { rttMs })),
      ),
    ),
    ...lines.map((what, i) =>
      each(what, (one) => dollars(commonLines(one.size, one.counts, one.made)[i]?.[1] ?? 0)),
    ),
    each(bold('without network and store, 20 ms'), (one) => bold(dollars(base(one, 20)))),
    network('NAT gateway: all traffic with bastions beyond AWS', 0, 'way'),
    network('NAT gateway: queues alone, with peered bastions', 3, 'way'),
    network('NAT instance', 1, 'way'),
    network('traffic to the internet, bastions beyond AWS', 0, 'out'),
    network('between zones, with peered bastions', 3, 'zones'),
    each('store: Amazon Managed Prometheus', ({ size, counts }) =>
      dollars(storeDollars(size, counts).managed),
    ),
    each('store: VictoriaMetrics on a machine of one’s own', ({ size, counts }) =>
      dollars(storeDollars(size, counts).own),
    ),
    each('store: Timestream', ({ size, counts }) => dollars(storeDollars(size, counts).timestream)),
    '',
    ...head('US dollars a month without the store'),
    ...LAYOUTS.flatMap((layout) =>
      RTTS.map((rttMs) =>
        each(`${layout.name}, ${rttMs} ms`, (one) => {
          const { way, out, zones } = networkBill(one.size, one.counts, layout);
          return dollars(base(one, rttMs) + way + out + zones);
        }),
      ),
    ),
  ];
}

function roundTable(found: readonly Found[]): string[] {
  const each = (what: string, value: (counts: Counts, one: Found) => string) =>
    row([what, ...found.map((one) => value(one.counts, one))]);
  const stages = ['probe', 'store', 'evaluate', 'notify'];
  return [
    ...head('in a round'),
    row(['bastions, shards', ...SIZES.map(({ bastions, shards }) => `${bastions}, ${shards}`)]),
    ...stages.map((stage) => each(`calls of ${stage}`, ({ runs }) => number(runs.get(stage)?.count ?? 0))),
    each(`a batch at ${RTTS.join(', ')} ms, s`, (_, { size, made }) =>
      RTTS.map((rttMs) => {
        const nodes = Math.min(300, size.nodes);
        const memoryMb = made.memoryMb.get('probe') ?? 1_024;
        const node = NODE_COST[size.watch];
        return (batchMs({ node, nodes, concurrency: CONCURRENCY, rttMs, memoryMb }) / 1000).toFixed(1);
      }).join(', '),
    ),
    // The fake prober answers at once, so the time of that stage is meaningless.
    ...stages
      .slice(1)
      .map((stage) =>
        each(`longest ${stage}, s of CPU`, ({ longest }) => ((longest.get(stage) ?? 0) / 1000).toFixed(2)),
      ),
    each('series of a node', ({ series }) => number(series)),
    each('samples written', ({ samples }) => number(samples)),
    each('of them values of slow checks, written again', ({ repeats }) => number(repeats)),
    each('MB a day in the embedded store, without roll-ups', (_, { size, bytesADay }) =>
      number((bytesADay * size.nodes) / 1e6),
    ),
    each('points read to evaluate', ({ points }) => number(points)),
    each('requests of queues', ({ standard, fifo }) => number(standard + fifo)),
    each(
      'puts and gets of the bucket but for batches',
      ({ puts, gets }) => `${number(puts)}, ${number(gets)}`,
    ),
    each('write units of the table', ({ writeUnits }) => number(writeUnits)),
    each('read units of the table', ({ readUnits }) => number(readUnits)),
    each('log, KB', ({ logBytes }) => number(logBytes / 1000)),
    each('metrics, alarms', ({ metrics }, { made }) => `${metrics}, ${made.alarms}`),
    each('GB a month to the nodes, and back', (_, { size }) => {
      const { out, in: back } = trafficGb(size);
      return `${number(out)}, ${number(back)}`;
    }),
    each('longest message, KB', ({ longestMessage }) => (longestMessage / 1000).toFixed(0)),
  ];
}

/** The counts of so many fleets. Notify and the names of metrics are the same for all. */
function timesCounts(
  { series, longest, longestMessage, metrics, runs, ...counts }: Counts,
  times: number,
): Counts {
  const each = Object.entries(counts).map(([name, value]) => [name, value * times]);
  return {
    ...(Object.fromEntries(each) as typeof counts),
    ...{ series, longest, longestMessage, metrics },
    runs: new Map(
      [...runs].map(([stage, { count: calls, ms }]) => [
        stage,
        { count: stage === 'notify' ? calls : calls * times, ms: ms * times },
      ]),
    ),
  };
}

const sections: string[] = [];
for (const [watch, title] of WATCHES) {
  const found: Found[] = [];
  const counted = new Map<number, Counts>();
  const bytesADay = await storedBytes(watch);
  for (const { times, ...sizeOf } of SIZES) {
    const size = { ...sizeOf, watch };
    const { nodes, bastions, shards } = size;
    const share = { ...size, nodes: nodes / times, bastions: bastions / times, shards: shards / times };
    const ofShare = counted.get(share.nodes) ?? (await count(share));
    counted.set(share.nodes, ofShare);
    const counts = timesCounts(ofShare, times);
    found.push({ size, bytesADay, counts, made: deployed(size) });
    process.stderr.write(`${title}, ${size.nodes} nodes\n`);
  }
  sections.push(`### ${title}`, '', ...monthTables(found), '', ...roundTable(found), '');
}
const text = sections.join('\n').trimEnd();
const [begin, end] = ['<!-- begin of the tables -->', '<!-- end of the tables -->'];
const doc = readFileSync(DOC, 'utf8');
const [before = '', rest = ''] = doc.split(begin);
writeFileSync(DOC, `${before}${begin}\n\n${text}\n\n${end}${rest.split(end)[1] ?? ''}`);
process.stdout.write(`${text}\n`);
