// Counts the units that AWS bills for a round: the handlers run with fakes that count requests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targetsOf } from '../../adapters/inventory/file.ts';
import { KINDS } from '../../adapters/registry.ts';
import { itemBytes } from '../../adapters/state/dynamodb/table.ts';
import { METRICS } from '../../core/catalogue.ts';
import { configOf } from '../config-cases.ts';
import { createMemoryBucket, type MemoryBucket } from '../memory-bucket.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { bastionNames, type Watch, watchedText } from './fleet.ts';
import { historyOf, observeWatched } from './watched-fleet.ts';

export interface Size {
  nodes: number;
  bastions: number;
  shards: number;
  watch: Watch;
}

const HOUR = 60 * MINUTE;
const START = 480_000 * HOUR;
/**
 * Rounds before the counted ones: the first alerts and messages are over after two, and the first evaluation of a rule reads
 * further back than others.
 */
const WARM = 3;
/** An even number, since values of slow checks are written again in every second round. */
const COUNTED = 2;
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
  /** Those of slow checks that are written again included. */
  samples: number;
  repeats: number;
  /** Series of one node, those of hourly checks included. */
  series: number;
  records: number;
  points: number;
  logBytes: number;
  /** The number of different counters and gauges: CloudWatch makes a metric of each. */
  metrics: number;
  longest: Map<string, number>;
  longestMessage: number;
}

export async function count({ nodes, bastions, shards, watch }: Size): Promise<Counts> {
  const text = watchedText({ bastions, nodes, watch });
  const config = configOf(text, { kinds: KINDS });
  const targets = targetsOf(config.clusters);
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-cost-'));
  const bucket = createMemoryBucket();
  const cloud = startCloud({
    config: text,
    bastions: bastionNames(bastions),
    bucket,
    dir,
    startMs: START,
    shards,
    probe: observeWatched(config.checks),
  });
  try {
    const before = historyOf(config, { targets, untilMs: START, everyMs: MINUTE });
    for (const samples of before) await cloud.store.write(samples);
    for (let round = 0; round < WARM; round++) await cloud.round(START + round * MINUTE);
    const found = countOf(cloud, bucket);
    for (let round = WARM; round < WARM + COUNTED; round++) await cloud.round(START + round * MINUTE);
    return { ...found(), series: await seriesOfNode(cloud.store) };
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Counts from now on; the returned function returns the counts of one round. */
function countOf(cloud: Cloud, { writes, reads }: MemoryBucket): () => Omit<Counts, 'series'> {
  const ofQueues = { standard: 0, fifo: 0, seenBytes: 0 };
  const counts = { ...ofQueues, writeUnits: 0, readUnits: 0, samples: 0, repeats: 0, records: 0, points: 0 };
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
  // The embedded store needs no repeats.
  store.repeat = async (samples) => {
    counts.samples += samples.length;
    counts.repeats += samples.length;
    return samples.length;
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

/** The first round is that of hourly checks. */
async function seriesOfNode(store: Cloud['store']): Promise<number> {
  const where = { cluster: ['c0'], node: ['n0'] };
  const found = await Promise.all(
    METRICS.map(({ name }) => store.query({ metric: name, where, fromMs: START, toMs: START + HOUR })),
  );
  return found.flat().length;
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
