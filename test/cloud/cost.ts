// What a deployment costs a month: `node test/cloud/cost.ts` runs rounds of 30, 3,000 and 30,000 nodes through the
// handlers over fakes, counts what AWS would charge for, and writes the tables of docs/scale-and-cost.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemBytes } from '../../adapters/state/dynamodb/table.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { fleetConfig, look, NODES_EACH } from './fleet.ts';
import { HOURS, PRICES, tiered } from './prices.ts';

const SIZES = [
  { nodes: 30, bastions: 1, shards: 1 },
  { nodes: 3_000, bastions: 1, shards: 4 },
  { nodes: 30_000, bastions: 10, shards: 16 },
];
const START = 480_000 * 3_600_000;
const ROUNDS_A_MONTH = HOURS * 60;
/** The first rounds make alerts and messages; those after are what a month consists of. */
const WARM = 2;
const COUNTED = 3;
const DOC = join(import.meta.dirname, '../../docs/scale-and-cost.md');

/** Wall time of a cold round over real OpenSSH, a node: docs/figures.md, "bartizan, fresh process". */
const PROBE_MS_A_NODE = 18.8;
/** Through the connection to the bastion, cold, of real OpenSSH, to and from a node; measured at the bastion's port. */
const BYTES_A_NODE = { out: 6_133, in: 4_395 };
/** Memory of the functions, GB, as lib/pipeline.ts has it. */
const MEMORY_GB: Readonly<Record<string, number>> = {
  plan: 0.5,
  probe: 1,
  store: 0.5,
  evaluate: 1,
  notify: 0.5,
  deliver: 1,
};
/** A function of so much memory has half a core or less (1,769 MB are one). */
const SLOWER = 2;
/** START, END, REPORT and a line of metrics, as the emulator logged them. */
const LOG_BYTES_A_RUN = 1_000;
/** A queue is asked all the time by five, each for 20 s (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). */
const IDLE_POLLS_A_MINUTE = 15;
/** Of lib/: evaluate, store, notify, deliver, and one of each bastion. */
const STANDARD_QUEUES = 3;
/** With one bastion, and for each more, as `cdk synth` has them. */
const ALARMS = { first: 34, more: 2 };
/** Names of counters and gauges by function, of which CloudWatch makes a metric each; at most. */
const METRICS = 40;
/** Queries of each minute use the least there is, 4 units, for the least time, 30 s (docs of Timestream, "TCU"). */
const TCU = { least: 4, share: 0.5 };
const PAYLOAD = 64 * 1024;
const MILLION = 1e6;
const GB = 1e9;

interface Counts {
  runs: Map<string, { count: number; ms: number }>;
  standard: number;
  fifo: number;
  writeUnits: number;
  readUnits: number;
  samples: number;
  records: number;
  points: number;
  longest: Map<string, number>;
  longestMessage: number;
}

async function count({ nodes, bastions, shards }: (typeof SIZES)[number]): Promise<Counts> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-cost-'));
  const config = fleetConfig({ bastions, clusters: nodes / NODES_EACH });
  const cloud = startCloud({ config, dir, startMs: START, shards, probe: look });
  try {
    for (let round = 0; round < WARM; round++) await cloud.round(START + round * MINUTE);
    const found = countOf(cloud);
    for (let round = WARM; round < WARM + COUNTED; round++) await cloud.round(START + round * MINUTE);
    return found();
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Counts from now on; what it returns gives the counts of one round. */
function countOf(cloud: Cloud): () => Counts {
  const counts = { standard: 0, fifo: 0, writeUnits: 0, readUnits: 0, samples: 0, records: 0, points: 0 };
  const { table, store, queues, runs } = cloud;
  runs.clear();
  const { get, query, lookUp, write } = table;
  const read = (bytes: number) => {
    counts.readUnits += Math.max(1, Math.ceil(bytes / 4096));
  };
  table.get = async (keys) => {
    const items = await get(keys);
    for (const item of items) read(itemBytes(item));
    counts.readUnits += keys.length - items.length;
    return items;
  };
  table.query = async (asked) => {
    const items = await query(asked);
    read(items.reduce((sum, item) => sum + itemBytes(item), 0));
    return items;
  };
  table.lookUp = async (index, asked) => {
    counts.readUnits += 0.5;
    return lookUp(index, asked);
  };
  table.write = async (writes) => {
    // In a transaction each is written twice.
    const times = writes.length > 1 ? 2 : 1;
    for (const one of writes)
      counts.writeUnits += times * ('put' in one ? Math.max(1, Math.ceil(itemBytes(one.put) / 1024)) : 1);
    return write(writes);
  };
  const { write: writeSamples, query: querySamples } = store;
  store.write = async (samples) => {
    counts.samples += samples.length;
    counts.records += new Set(
      samples.map(({ labels, timeMs }) => `${timeMs} ${Object.values(labels).join('/')}`),
    ).size;
    return writeSamples(samples);
  };
  store.query = async (asked) => {
    const series = await querySamples(asked);
    counts.points += series.reduce((sum, { points }) => sum + points.length, 0);
    return series;
  };
  const { send, poll, hide } = queues;
  const request = (url: string, bytes: number) => {
    counts[url.endsWith('.fifo') ? 'fifo' : 'standard'] += Math.max(1, Math.ceil(bytes / PAYLOAD));
  };
  queues.send = async (url, messages) => {
    for (const { body } of messages) request(url, Buffer.byteLength(body));
    return send(url, messages);
  };
  queues.hide = async (url, ...rest) => {
    request(url, 0);
    return hide(url, ...rest);
  };
  queues.poll = (url, size, handle) =>
    poll(url, size, (event) => {
      request(
        url,
        event.Records.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0),
      );
      // They are deleted together.
      request(url, 0);
      return handle(event);
    });
  return () => {
    const each = Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, value / COUNTED]),
    ) as typeof counts;
    const byStage = [...Map.groupBy(runs, ([name]) => name.replace(/ .*/, ''))];
    const times = (entries: [string, number[]][]) => entries.flatMap(([, all]) => all);
    return {
      ...each,
      runs: new Map(
        byStage.map(([stage, entries]) => {
          const all = times(entries);
          return [stage, { count: all.length / COUNTED, ms: all.reduce((a, b) => a + b, 0) / COUNTED }];
        }),
      ),
      longest: new Map(byStage.map(([stage, entries]) => [stage, Math.max(...times(entries))])),
      longestMessage: queues.longest(),
    };
  };
}

interface Bill {
  lines: [what: string, dollars: number][];
  store: { prometheus: number; timestream: number };
}

function billOf({ nodes, bastions }: (typeof SIZES)[number], counts: Counts): Bill {
  const { lambda, sqs, dynamodb, s3, network, cloudwatch, prometheus, timestream } = PRICES;
  const month = ROUNDS_A_MONTH;
  const probes = counts.runs.get('probe')?.count ?? 0;
  const probeMs = PROBE_MS_A_NODE * nodes;
  let [gbSeconds, runs] = [0, 0];
  for (const [stage, { count, ms }] of counts.runs) {
    runs += count;
    const spentMs = stage === 'probe' ? probeMs : ms * SLOWER;
    gbSeconds += (spentMs / 1000) * (MEMORY_GB[stage] ?? 1);
  }
  const idle = IDLE_POLLS_A_MINUTE * HOURS * 60;
  // Counters and audit of batches, and that parts of the fleet were judged.
  const puts = probes + probeMs / 1000 + (counts.runs.get('evaluate')?.count ?? 0);
  const gb = (bytes: number) => (bytes * nodes * month) / GB;
  const alarms = ALARMS.first + ALARMS.more * (bastions - 1);
  const billed = {
    lambda: gbSeconds * month * lambda.gbSecond + ((runs * month) / MILLION) * lambda.million,
    sqs:
      ((counts.standard * month + (STANDARD_QUEUES + bastions) * idle) / MILLION) * sqs.standardMillion +
      ((counts.fifo * month + idle) / MILLION) * sqs.fifoMillion,
    dynamodb:
      ((counts.writeUnits * month) / MILLION) * dynamodb.writeMillion +
      ((counts.readUnits * month) / MILLION) * dynamodb.readMillion,
    s3: ((puts * month) / 1000) * s3.putThousand + ((probes * month) / 1000) * s3.getThousand,
    nat:
      HOURS * (network.natHour + network.addressHour) +
      gb(BYTES_A_NODE.out + BYTES_A_NODE.in) * network.natGb,
    out: gb(BYTES_A_NODE.out) * network.outGb,
    cloudwatch:
      ((runs * LOG_BYTES_A_RUN * month) / GB) * cloudwatch.logGb +
      alarms * cloudwatch.alarm +
      METRICS * cloudwatch.metric +
      cloudwatch.dashboard,
  };
  return {
    lines: [
      ['Lambda', billed.lambda],
      ['SQS', billed.sqs],
      ['DynamoDB', billed.dynamodb],
      ['S3', billed.s3],
      ['NAT gateway and its address', billed.nat],
      ['data out to a bastion beyond AWS', billed.out],
      ['CloudWatch: logs, metrics, alarms, dashboard', billed.cloudwatch],
    ],
    store: {
      prometheus:
        tiered(counts.samples * month, prometheus.ingested) +
        ((counts.points * month) / 1e9) * prometheus.queriedBillion,
      timestream:
        ((counts.records * month) / MILLION) * timestream.writeMillion +
        HOURS * TCU.least * TCU.share * timestream.tcuHour,
    },
  };
}

const dollars = (value: number) =>
  value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
const number = (value: number) => Math.round(value).toLocaleString('en-US');
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function tables(found: readonly { size: (typeof SIZES)[number]; counts: Counts }[]): string {
  const head = (first: string) => [
    row([first, ...SIZES.map(({ nodes }) => `${number(nodes)} nodes`)]),
    row(['---', ...SIZES.map(() => '---:')]),
  ];
  const bills = found.map(({ size, counts }) => billOf(size, counts));
  const sums = bills.map(({ lines }) => lines.reduce((sum, [, value]) => sum + value, 0));
  const stages = ['probe', 'store', 'evaluate', 'notify'];
  const each = (what: string, value: (counts: Counts) => string) =>
    row([what, ...found.map(({ counts }) => value(counts))]);
  return [
    ...head('US dollars a month'),
    ...(bills[0]?.lines ?? []).map(([what], i) =>
      row([what, ...bills.map(({ lines }) => dollars(lines[i]?.[1] ?? 0))]),
    ),
    row(['**without the sample store**', ...sums.map((sum) => `**${dollars(sum)}**`)]),
    row(['store: Amazon Managed Prometheus', ...bills.map(({ store }) => dollars(store.prometheus))]),
    row(['store: Timestream', ...bills.map(({ store }) => dollars(store.timestream))]),
    row([
      '**with Managed Prometheus**',
      ...bills.map(({ store }, i) => `**${dollars((sums[i] ?? 0) + store.prometheus)}**`),
    ]),
    row([
      'a node, with it',
      ...bills.map(({ store }, i) =>
        (((sums[i] ?? 0) + store.prometheus) / (SIZES[i]?.nodes ?? 1)).toFixed(2),
      ),
    ]),
    '',
    ...head('of a round'),
    row(['bastions, shards', ...SIZES.map(({ bastions, shards }) => `${bastions}, ${shards}`)]),
    ...stages.map((stage) => each(`runs of ${stage}`, ({ runs }) => number(runs.get(stage)?.count ?? 0))),
    // Nobody is probed here: that stage took no time worth telling.
    ...stages
      .slice(1)
      .map((stage) =>
        each(`longest ${stage}, s`, ({ longest }) => ((longest.get(stage) ?? 0) / 1000).toFixed(2)),
      ),
    each('samples written', ({ samples }) => number(samples)),
    each('points read to judge', ({ points }) => number(points)),
    each('requests of queues', ({ standard, fifo }) => number(standard + fifo)),
    each('write units of the table', ({ writeUnits }) => number(writeUnits)),
    each('read units of the table', ({ readUnits }) => number(readUnits)),
    each('longest message, KB', ({ longestMessage }) => (longestMessage / 1000).toFixed(0)),
  ].join('\n');
}

const found = [];
for (const size of SIZES) found.push({ size, counts: await count(size) });
const text = tables(found);
const [begin, end] = ['<!-- begin of the tables -->', '<!-- end of the tables -->'];
const doc = readFileSync(DOC, 'utf8');
const [before = '', rest = ''] = doc.split(begin);
writeFileSync(DOC, `${before}${begin}\n\n${text}\n\n${end}${rest.split(end)[1] ?? ''}`);
process.stdout.write(`${text}\n`);
