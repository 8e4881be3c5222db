import { describe, expect, it } from 'vitest';
import type { BatchObservation, Observation } from '../../core/model.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { decodeMessage, encodeMessage, MESSAGE_LIMIT_BYTES, observationMessages } from './messages.ts';

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
    expect(() => decodeMessage(body)).toThrow('this is no message of ours');
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

  it('of a node that tells too much are an error', () => {
    expect(() => observationMessages(observationOf(2, 40_000))).toThrow(/longer than a message/);
  });
});
