// The bill of a month, from what a round was counted to need and what is deployed.
import { batchMs, NODE } from './batch-time.ts';
import type { Counts, Size } from './counts.ts';
import { HOURS, PRICES, tiered } from './prices.ts';
import { wireBytes } from './relay.ts';
import type { Deployed } from './template.ts';

export const ROUNDS = HOURS * 60;
const GB = 1e9;
const MILLION = 1e6;

/** A function of 512 MB to 1 GB has half a core or less; of what runs here, all but probe. An assumption. */
const SLOWER = 2;
/** Of plan, in a round that changes nothing, with a core. */
const PLAN_MS = 100;
/** As core/config has it by default, and tests of this folder. */
const NODES_A_BATCH = 300;
export const CONCURRENCY = 32;
/** A queue is asked all the time by five, each for 20 s (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). */
const IDLE_POLLS_A_MINUTE = 15;
/** Of an audit line, packed with three hundred like it. */
const AUDIT_BYTES = 103;
/** HTTP and TLS around a message to a queue: headers with their signature, records, acknowledgements. */
const SENDING = { bytes: 2_000, factor: 1.06 };
/** Bastions of a peered network are in our zone or in another. The way out is in ours. */
const CROSSING = 0.5;
/** Queries of each minute use the least there is, 4 units, for the least time, 30 s (docs of Timestream, "TCU"). */
const TCU = { least: 4, share: 0.5 };
/** Disk of an instance with nothing on it. */
const ROOT_GB = 8;

type Instance = keyof typeof PRICES.instanceHour;

/** A NAT instance that carries the fleet's traffic without credits: nano 32, small 128 Mbit/s (https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html). */
const natInstance = ({ nodes }: Size): Instance => (nodes > 10_000 ? 't4g.small' : 't4g.nano');

/**
 * A server of one's own, VictoriaMetrics on one machine: a gigabyte of memory for a million series
 * (https://docs.victoriametrics.com/victoriametrics/faq/#how-much-ram-victoriametrics-needs), 1.5 bytes a sample on disk for 150 days.
 */
const STORE = { bytesASample: 1.5, days: 150 };
const storeInstance = ({ nodes }: Size): Instance =>
  nodes > 10_000 ? 'm7g.large' : nodes > 300 ? 't4g.medium' : 't4g.micro';

export interface Layout {
  name: string;
  /** What leads out of the functions' network. */
  way: 'gateway' | 'instance' | 'none';
  /** Where the bastions are: a peered network of the region is reached without the way out. */
  bastions: 'beyond' | 'peered';
}

export const LAYOUTS: readonly Layout[] = [
  { name: 'bastions beyond AWS, NAT gateway', way: 'gateway', bastions: 'beyond' },
  { name: 'bastions beyond AWS, NAT instance', way: 'instance', bastions: 'beyond' },
  { name: 'bastions beyond AWS, no network of ours', way: 'none', bastions: 'beyond' },
  { name: 'bastions in a peered network of the region, NAT gateway', way: 'gateway', bastions: 'peered' },
  { name: 'bastions in a peered network of the region, NAT instance', way: 'instance', bastions: 'peered' },
];

export const RTTS = [20, 50, 100] as const;

/** GB a month that a way to the nodes carries. */
export function trafficGb({ nodes }: Size): { out: number; in: number } {
  const gb = (bytes: number) => (bytes * nodes * ROUNDS) / GB;
  return { out: gb(wireBytes(NODE.out, NODE.in)), in: gb(wireBytes(NODE.in, NODE.out)) };
}

export function lambdaDollars(
  { nodes }: Size,
  { runs }: Counts,
  { memoryMb }: Deployed,
  options: { rttMs: number; concurrency?: number },
): number {
  const { rttMs, concurrency = CONCURRENCY } = options;
  const batches = runs.get('probe')?.count ?? 0;
  let calls = 1;
  let gbSeconds = (PLAN_MS / 1000) * ((memoryMb.get('plan') ?? 0) / 1024);
  for (const [stage, { count, ms }] of runs) {
    const memory = memoryMb.get(stage) ?? 1_024;
    const each = Math.min(nodes, NODES_A_BATCH);
    const spentMs =
      stage === 'probe'
        ? batches * batchMs({ nodes: each, concurrency, rttMs, memoryMb: memory })
        : ms * SLOWER;
    calls += count;
    gbSeconds += (spentMs / 1000) * (memory / 1024);
  }
  const { gbSecond, million } = PRICES.lambda;
  return gbSeconds * ROUNDS * gbSecond + ((calls * ROUNDS) / MILLION) * million;
}

/** What does not depend on where the bastions are. */
export function commonLines(
  size: Size,
  counts: Counts,
  deployed: Deployed,
): [what: string, dollars: number][] {
  const { sqs, dynamodb, s3, cloudwatch } = PRICES;
  const batches = counts.runs.get('probe')?.count ?? 0;
  const calls = [...counts.runs.values()].reduce((sum, { count }) => sum + count, 0);
  const idle = IDLE_POLLS_A_MINUTE * HOURS * 60;
  const { queues } = deployed;
  // Counters and audit of a batch; label sets once a quarter of an hour. Each run asks whether the configuration is new.
  const puts = counts.puts + batches * (2 + 1 / 15);
  const gets = counts.gets + batches * 2 + calls;
  return [
    [
      'SQS',
      ((counts.standard * ROUNDS + queues.standard * idle) / MILLION) * sqs.standardMillion +
        ((counts.fifo * ROUNDS + queues.fifo * idle) / MILLION) * sqs.fifoMillion,
    ],
    [
      'DynamoDB',
      ((counts.writeUnits * ROUNDS) / MILLION) * dynamodb.writeMillion +
        ((counts.readUnits * ROUNDS) / MILLION) * dynamodb.readMillion,
    ],
    ['S3: requests', ((puts * s3.putThousand + gets * s3.getThousand) * ROUNDS) / 1000],
    ['S3: the audit of a year', (12 * AUDIT_BYTES * (size.nodes + batches) * ROUNDS * s3.gbMonth) / GB],
    [
      'CloudWatch: logs, metrics, alarms, dashboard',
      ((counts.logBytes * ROUNDS) / GB) * cloudwatch.logGb +
        deployed.alarms * cloudwatch.alarm +
        counts.metrics * cloudwatch.metric +
        deployed.dashboards * cloudwatch.dashboard,
    ],
  ];
}

export interface NetworkBill {
  way: number;
  /** Of `way`, what the queue of store costs there. */
  queue: number;
  out: number;
  zones: number;
}

export function networkBill(size: Size, counts: Counts, layout: Layout): NetworkBill {
  const { natHour, natGb, addressHour, outGb, zoneGb } = PRICES.network;
  const { out, in: back } = trafficGb(size);
  const beyond = layout.bastions === 'beyond';
  const batches = counts.runs.get('probe')?.count ?? 0;
  const queueGb = ((counts.seenBytes * SENDING.factor + batches * SENDING.bytes) * ROUNDS) / GB;
  const throughGb = queueGb + (beyond ? out + back : 0);
  const instance = natInstance(size);
  const fixed = {
    gateway: HOURS * (natHour + addressHour),
    instance: HOURS * (PRICES.instanceHour[instance] + addressHour) + ROOT_GB * PRICES.diskGbMonth,
    none: 0,
  };
  return {
    way: fixed[layout.way] + (layout.way === 'gateway' ? throughGb * natGb : 0),
    queue: layout.way === 'gateway' ? queueGb * natGb : 0,
    out: beyond ? tiered(out, outGb) : 0,
    // What crosses is paid where it leaves and where it arrives.
    zones: beyond ? 0 : (out + back) * CROSSING * 2 * zoneGb,
  };
}

export function storeDollars(size: Size, counts: Counts) {
  const { prometheus, timestream, instanceHour, diskGbMonth } = PRICES;
  const samples = counts.samples * ROUNDS;
  const keptGb = (counts.samples * 60 * 24 * STORE.days * STORE.bytesASample) / GB;
  return {
    managed:
      tiered(
        samples / 1e7,
        prometheus.ingestedTenMillion.map(({ upTo, price }) => ({ upTo: upTo / 1e7, price })),
      ) +
      ((counts.points * ROUNDS) / 1e9) * prometheus.queriedBillion,
    own: HOURS * instanceHour[storeInstance(size)] + (ROOT_GB + keptGb) * diskGbMonth,
    timestream:
      ((counts.records * ROUNDS) / MILLION) * timestream.writeMillion +
      HOURS * TCU.least * TCU.share * timestream.tcuHour,
  };
}
