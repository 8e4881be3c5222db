// The bill of a month, computed from the counts of a round and from what the stacks deploy.
import { batchMs, NODE_COST } from './batch-time.ts';
import type { Counts, Size } from './counts.ts';
import { HOURS, PRICES, tiered } from './prices.ts';
import { wireBytes } from './relay.ts';
import type { Deployed } from './template.ts';

export const ROUNDS = HOURS * 60;
const GB = 1e9;
const MILLION = 1e6;

/**
 * An assumption: functions of 512 MB to 1 GB have half a core or less, so all stages but probe take twice the time that
 * they take here.
 */
const SLOWER = 2;
/** The time of plan on one core, in a round where the configuration did not change. */
const PLAN_MS = 100;
/** The default of core/config, which the tests of this folder use. */
const NODES_A_BATCH = 300;
export const CONCURRENCY = 32;
/**
 * Five pollers ask a queue all the time, with requests of 20 s
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
 */
const IDLE_POLLS_A_MINUTE = 15;
/** The bytes of an audit line when three hundred similar lines are compressed together. */
const AUDIT_BYTES = 103;
/** HTTP and TLS around a message to a queue: headers with a signature, TLS records, acknowledgements. */
const SENDING = { bytes: 2_000, factor: 1.06 };
/**
 * Half of the bastions in a peered network are in another zone than the function. The egress is in the function's zone.
 */
const CROSSING = 0.5;
/** Each minute, queries use the minimum of 4 units for the minimum of 30 s (documentation of Timestream, "TCU"). */
const TCU = { least: 4, share: 0.5 };
/** The root disk of an instance. */
const ROOT_GB = 8;

type Instance = keyof typeof PRICES.instanceHour;

/**
 * A NAT instance that has the bandwidth for the fleet without credits: nano 32, small 128 Mbit/s
 * (https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html).
 */
const natInstance = ({ nodes }: Size): Instance => (nodes > 10_000 ? 't4g.small' : 't4g.nano');

/**
 * VictoriaMetrics on one machine of the user: a gigabyte of memory for a million series
 * (https://docs.victoriametrics.com/victoriametrics/faq/#how-much-ram-victoriametrics-needs), 1.5 bytes a sample on
 * disk for 150 days.
 */
const STORE = { bytesASample: 1.5, days: 150 };
const storeInstance = ({ nodes }: Size): Instance =>
  nodes > 10_000 ? 'm7g.large' : nodes > 300 ? 't4g.medium' : 't4g.micro';

export interface Layout {
  name: string;
  /** The egress of the functions' network. */
  way: 'gateway' | 'instance' | 'none';
  /** Where the bastions are; functions reach a peered network of the region without the egress. */
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

/** Traffic with the nodes, in GB a month. */
export function trafficGb({ nodes, watch }: Size): { out: number; in: number } {
  const node = NODE_COST[watch];
  const gb = (bytes: number) => (bytes * nodes * ROUNDS) / GB;
  return { out: gb(wireBytes(node.out, node.in)), in: gb(wireBytes(node.in, node.out)) };
}

export function lambdaDollars(
  { nodes, watch }: Size,
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
        ? batches * batchMs({ node: NODE_COST[watch], nodes: each, concurrency, rttMs, memoryMb: memory })
        : ms * SLOWER;
    calls += count;
    gbSeconds += (spentMs / 1000) * (memory / 1024);
  }
  const { gbSecond, million } = PRICES.lambda;
  return gbSeconds * ROUNDS * gbSecond + ((calls * ROUNDS) / MILLION) * million;
}

/** The costs that do not depend on where the bastions are. */
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
  // Each batch reads and writes counters and writes its audit, and writes label sets every quarter of an hour. With slow
  // checks it reads their last values, and writes them each hour. Each call asks whether the configuration changed.
  const slow = counts.repeats > 0 ? 1 : 0;
  const puts = counts.puts + batches * (2 + 1 / 15 + slow / 60);
  const gets = counts.gets + batches * (2 + slow) + calls;
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
    [
      'S3: the audit of a year',
      (12 * AUDIT_BYTES * (size.nodes * NODE_COST[size.watch].accesses + batches) * ROUNDS * s3.gbMonth) / GB,
    ],
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
  /** The share of `way` for the messages to the queue of store. */
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
    // Traffic between zones is billed in both zones.
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
