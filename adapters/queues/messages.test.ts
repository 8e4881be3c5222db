import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { readObservations } from './message-shapes.ts';
import {
  answeredMessages,
  decodeMessage,
  encodeMessage,
  isPartial,
  MESSAGE_LIMIT_BYTES,
  observationMessages,
  repeatMessages,
} from './messages.ts';

function observationOf(nodes: number, samplesEach: number): BatchObservation {
  const targets = Array.from({ length: nodes }, (_, i) => ({
    cluster: 'c',
    node: `노드-${i}`,
    role: 'etcd' as const,
    host: 'h',
    port: 22,
    user: 'u',
    bastion: 'b',
    hostKeys: ['ssh-ed25519 AAAA'],
  }));
  const batch = {
    roundMs: 60_000,
    bastion: 'b',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets,
    expiresAtMs: 1e9,
  };
  const observations = targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const samples = Array.from({ length: samplesEach }, (_, i) => ({
      metric: 'disk_usage',
      labels: { cluster, node, role, mount: `/${Math.random()}/${i}`, device: 'd' },
      timeMs: 60_000,
      value: Math.random() * 100,
    }));
    return {
      check: 'usage',
      target,
      roundMs: 60_000,
      observedAtMs: 60_001,
      durationMs: 5,
      result: { ok: true, samples, notes: [] },
    };
  });
  return { batch, bastion: { ok: true }, observations };
}

describe('messages', () => {
  it('are read as they were written, short or long', () => {
    for (const value of [{ a: 1 }, { text: '노드 '.repeat(10_000) }, [1, 2], { gzip: 5 }]) {
      expect(decodeMessage(encodeMessage(value))).toEqual(value);
    }
    expect(encodeMessage({ text: 'x'.repeat(100_000) }).length).toBeLessThan(2_000);
    expect(encodeMessage({ a: 1 })).toBe('{"a":1}');
  });

  it.each(['', '{', '{"gzip":"bm8="}'])('that are none are refused: %s', (body) => {
    expect(() => decodeMessage(body)).toThrow('this is not a message of ours');
  });
});

describe('observations', () => {
  it('are split below the limit, and come to the same samples', () => {
    const observation = observationOf(100, 200);
    const messages = observationMessages(observation);
    expect(messages.length).toBeGreaterThan(1);
    for (const message of messages)
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MESSAGE_LIMIT_BYTES);
    const parts = messages.map((message) => decodeMessage(message) as BatchObservation);
    const key = (one: unknown) => JSON.stringify(one);
    const samples = new Set(parts.flatMap((part) => samplesOf(part).map(key)));
    expect(samples).toEqual(new Set(samplesOf(observation).map(key)));
  });

  it('keeps the checks of a node together, on which it hangs whether it is up', () => {
    const observation = observationOf(40, 200);
    const failed = observation.observations.map(
      (one): Observation => ({
        ...one,
        check: 'other',
        result: { ok: false, failure: { reason: 'command', phase: 'exec', detail: 'exit 1' } },
      }),
    );
    const both = { ...observation, observations: [...observation.observations, ...failed] };
    const messages = observationMessages(both);
    expect(messages.length).toBeGreaterThan(1);
    const up = messages
      .flatMap((message) => samplesOf(decodeMessage(message) as BatchObservation))
      .filter(({ metric }) => metric === 'up');
    expect(up).toHaveLength(40);
    expect(new Set(up.map(({ value }) => value))).toEqual(new Set([1]));
  });

  it('of a lost bastion are one message', () => {
    const failure = { reason: 'timeout', phase: 'bastion', detail: 'silent' } as const;
    const lost: BatchObservation = {
      ...observationOf(50, 0),
      bastion: { ok: false, failure },
      observations: [],
    };
    const [message = '', ...others] = observationMessages(lost);
    expect(others).toEqual([]);
    expect(samplesOf(decodeMessage(message) as BatchObservation)).toEqual(samplesOf(lost));
  });

  /** Long alike names, as 690 mounts of a node may have: they pack 160:1. */
  function withMounts(one: Observation, mounts: number, nameBytes: number): Observation {
    const { cluster, node, role } = one.target;
    const samples = Array.from({ length: mounts }, (_, i) => {
      const names = { mount: `/${'中'.repeat(nameBytes / 3)}${i}`, device: '中'.repeat(nameBytes / 3) };
      return { metric: 'disk_usage', labels: { cluster, node, role, ...names }, timeMs: 60_000, value: 9 };
    });
    return { ...one, result: { ok: true, samples, notes: [] } };
  }
  const decoded = (messages: readonly string[]) =>
    messages.map((message) => decodeMessage(message) as BatchObservation);

  it('that are small packed and large unpacked fail alone, and are named', () => {
    const all = observationOf(75, 5);
    const hostile = all.observations.map((one, i) => (i % 10 === 0 ? withMounts(one, 1_400, 750) : one));
    const tooLarge: string[] = [];
    const messages = observationMessages({ ...all, observations: hostile }, ({ target }) =>
      tooLarge.push(target.node),
    );
    const bad = hostile.filter((_, i) => i % 10 === 0).map(({ target }) => target.node);
    expect(tooLarge).toEqual(bad);
    const seen = decoded(messages).flatMap(({ observations }) => observations);
    expect(seen).toHaveLength(75);
    expect(seen.filter(({ result }) => !result.ok).map(({ target }) => target.node)).toEqual(bad);
  });

  it('of one check that is too large leave the other checks of the node', () => {
    const [one] = observationOf(1, 5).observations as [Observation];
    const large = withMounts({ ...one, check: 'mounts' }, 1_400, 750);
    const messages = observationMessages({ ...observationOf(1, 0), observations: [large, one] });
    const [{ observations }] = decoded(messages) as [BatchObservation];
    expect(observations.map(({ check, result }) => [check, result.ok])).toEqual([
      ['mounts', false],
      ['usage', true],
    ]);
  });

  it('are taken by who reads them, however many mounts with however long names their nodes have', () => {
    const mounts = fc.tuple(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 900 }));
    fc.assert(
      fc.property(fc.array(mounts, { minLength: 1, maxLength: 12 }), (nodes) => {
        const all = observationOf(nodes.length, 0);
        const observations = all.observations.map((one, i) => withMounts(one, ...(nodes[i] ?? [0, 0])));
        let tooLarge = 0;
        const whole = observationMessages({ ...all, observations }, () => tooLarge++);
        for (const messages of [whole, answeredMessages(all.batch, observations)]) {
          for (const message of messages) {
            expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MESSAGE_LIMIT_BYTES);
            expect(Buffer.byteLength(JSON.stringify(decodeMessage(message)))).toBeLessThan(4.2 * 1024 * 1024);
          }
          const seen = decoded(messages).flatMap((part) => part.observations);
          expect(seen.map(({ target }) => target.node)).toEqual(all.batch.targets.map(({ node }) => node));
          expect(seen.filter(({ result }) => !result.ok)).toHaveLength(tooLarge);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('of a node that tells too much are its failure, and take nobody else along', () => {
    const [loud, quiet] = [observationOf(2, 40_000), observationOf(2, 2)];
    const [first] = loud.observations;
    const [, second] = quiet.observations;
    const messages = observationMessages({ ...loud, observations: [first, second] as Observation[] });
    const results = messages.flatMap((message) =>
      (decodeMessage(message) as BatchObservation).observations.map(({ target, result }) => [
        target.node,
        result,
      ]),
    );
    expect(results).toEqual([
      [
        first?.target.node,
        { ok: false, failure: expect.objectContaining({ reason: 'output', phase: 'exec' }) },
      ],
      [second?.target.node, second?.result],
    ]);
  });

  it('carry last values apart from observations, each under the limit and none twice', () => {
    const { observations, ...seen } = observationOf(60, 200);
    const repeats = observations.flatMap(({ result }) => (result.ok ? result.samples : []));
    const whole = { ...seen, observations, repeats };
    for (const message of observationMessages(whole))
      expect(decodeMessage(message)).not.toHaveProperty('repeats');
    const messages = repeatMessages(whole);
    expect(messages.length).toBeGreaterThan(2);
    for (const message of messages)
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MESSAGE_LIMIT_BYTES);
    const read = messages.map((message) => readObservations(decodeMessage(message)));
    expect(read.flatMap((one) => one.repeats)).toEqual(repeats);
    expect(read.every((one) => isPartial(one) && one.observations.length === 0)).toBe(true);
    expect(repeatMessages({ ...seen, observations })).toEqual([]);
  });
});
