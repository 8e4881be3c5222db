// Counts the units that AWS bills for a round: the handlers run with fakes that count requests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemBytes } from '../../adapters/state/dynamodb/table.ts';
import { createMemoryBucket, type MemoryBucket } from '../memory-bucket.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { bastionNames, fleetText, NODES_EACH, observeFleet } from './fleet.ts';

export interface Size {
  nodes: number;
  bastions: number;
  shards: number;
}

const START = 480_000 * 3_600_000;
/**
 * Rounds before the counted ones. The first alerts and messages are over after two rounds. An evaluation reads all
 * samples of `schedule.lateness`, 15 minutes, so from the sixteenth round on it reads the full window.
 */
const WARM = 17;
const COUNTED = 3;
/** SQS bills a request for each 64 KiB of a message. */
const PAYLOAD = 64 * 1024;
/** The lines START, END and REPORT around a function's own log, with the length that the emulator writes. */
const RUN_LOG_BYTES = 400;
/** The fields that the logger adds to each of our lines: time, level, name, memory, request and cold start. */
const LINE_LOG_BYTES = 320;
/** A line of metrics has namespace, dimension and time once; name, unit and value for each metric. */
const METRICS_LOG_BYTES = { line: 220, each: 90 };

/** The counts of one round. */
export interface Counts {
  runs: Map<string, { count: number; ms: number }>;
  standard: number;
  fifo: number;
  /** The bytes that probe sends to the queue of store, through the egress of its network. */
  seenBytes: number;
  puts: number;
  gets: number;
  writeUnits: number;
  readUnits: number;
  samples: number;
  records: number;
  points: number;
  logBytes: number;
  /** The number of different counters and gauges: CloudWatch makes a metric of each. */
  metrics: number;
  longest: Map<string, number>;
  longestMessage: number;
}

export async function count({ nodes, bastions, shards }: Size): Promise<Counts> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-cost-'));
  const bucket = createMemoryBucket();
  const cloud = startCloud({
    config: fleetText({ bastions, clusters: nodes / NODES_EACH }),
    bastions: bastionNames(bastions),
    bucket,
    dir,
    startMs: START,
    shards,
    probe: observeFleet,
  });
  try {
    for (let round = 0; round < WARM; round++) await cloud.round(START + round * MINUTE);
    const found = countOf(cloud, bucket);
    for (let round = WARM; round < WARM + COUNTED; round++) await cloud.round(START + round * MINUTE);
    return found();
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Counts from now on; the returned function returns the counts of one round. */
function countOf(cloud: Cloud, { writes, reads }: MemoryBucket): () => Counts {
  const ofQueues = { standard: 0, fifo: 0, seenBytes: 0 };
  const counts = { ...ofQueues, writeUnits: 0, readUnits: 0, samples: 0, records: 0, points: 0 };
  const { store, queues, runs, meter, logger } = cloud;
  runs.clear();
  countTable(cloud, counts);
  const before = { puts: writes.length, gets: reads.length };
  const firstLine = logger.lines.length;
  const names = new Set<string>();
  let counted = 0;
  const { count: add, gauge } = meter;
  const named = (name: string) => {
    names.add(name);
    counted++;
  };
  meter.count = (name, ...rest) => {
    const [, by = 1] = rest;
    if (by > 0) named(name);
    add(name, ...rest);
  };
  meter.gauge = (name, value, ...rest) => {
    named(name);
    gauge(name, value, ...rest);
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
  countQueues(cloud, counts);
  return () => {
    const each = Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, value / COUNTED]),
    ) as typeof counts;
    const byStage = [...Map.groupBy(runs, ([name]) => name.replace(/ .*/, ''))];
    const times = (entries: [string, number[]][]) => entries.flatMap(([, all]) => all);
    const allRuns = times(byStage.flatMap(([, entries]) => entries)).length / COUNTED;
    const lines = logger.lines.slice(firstLine).filter(({ level }) => level !== 'debug');
    const lineBytes = lines.reduce(
      (sum, { message, fields }) => sum + LINE_LOG_BYTES + JSON.stringify({ message, ...fields }).length,
      0,
    );
    return {
      ...each,
      puts: (writes.length - before.puts) / COUNTED,
      gets: (reads.length - before.gets) / COUNTED,
      logBytes:
        (RUN_LOG_BYTES + METRICS_LOG_BYTES.line) * allRuns +
        (METRICS_LOG_BYTES.each * counted + lineBytes) / COUNTED,
      metrics: names.size,
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

function countTable({ table }: Cloud, counts: { writeUnits: number; readUnits: number }): void {
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
    // DynamoDB writes each item of a transaction twice.
    const times = writes.length > 1 ? 2 : 1;
    for (const one of writes)
      counts.writeUnits += times * ('put' in one ? Math.max(1, Math.ceil(itemBytes(one.put) / 1024)) : 1);
    return write(writes);
  };
}

function countQueues({ queues }: Cloud, counts: { standard: number; fifo: number; seenBytes: number }): void {
  const { send, poll, extendVisibility } = queues;
  const request = (url: string, bytes: number) => {
    counts[url.endsWith('.fifo') ? 'fifo' : 'standard'] += Math.max(1, Math.ceil(bytes / PAYLOAD));
  };
  queues.send = async (url, messages) => {
    for (const { body } of messages) {
      request(url, Buffer.byteLength(body));
      if (url.endsWith('/store')) counts.seenBytes += Buffer.byteLength(body);
    }
    return send(url, messages);
  };
  queues.extendVisibility = async (url, ...rest) => {
    request(url, 0);
    return extendVisibility(url, ...rest);
  };
  queues.poll = (url, size, handle) =>
    poll(url, size, (event) => {
      request(
        url,
        event.Records.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0),
      );
      // One request deletes them together.
      request(url, 0);
      return handle(event);
    });
}
