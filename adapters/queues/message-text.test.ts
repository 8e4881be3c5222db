import { expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { messageText } from './message-text.ts';
import { encodeMessage, observationMessages, tickMessage } from './messages.ts';

const roundMs = Date.parse('2026-01-02T03:04:00Z');
const targets = ['n1', 'n2', 'n3', 'n4', 'n5'].map((node) => ({
  cluster: 'prod',
  node,
  role: 'etcd' as const,
  host: 'secret-host',
  port: 22,
  user: 'secret-user',
  bastion: 'gate',
  hostKeys: [],
}));
const batch: Batch = {
  roundMs,
  bastion: 'gate',
  index: 1,
  count: 3,
  checks: ['usage'],
  targets,
  expiresAtMs: roundMs + 60_000,
};
const observations = targets.map(
  (target, i): Observation => ({
    check: 'usage',
    target,
    roundMs,
    observedAtMs: roundMs,
    durationMs: 5,
    result:
      i > 0
        ? { ok: true, samples: [], notes: ['secret-note'] }
        : { ok: false, failure: { reason: 'auth', phase: 'handshake', detail: 'secret-detail' } },
  }),
);
const seen: BatchObservation = { batch, bastion: { ok: true }, observations };
const lost: BatchObservation = {
  batch,
  bastion: { ok: false, failure: { reason: 'timeout', phase: 'bastion', detail: 'secret-detail' } },
  observations: [],
};
const packed = { ...batch, targets: Array.from({ length: 90 }, () => targets).flat() };
const givenUp = {
  requestPayload: { scheduledTime: '2026-01-02T03:04:00Z' },
  requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
  responsePayload: { errorType: 'ConfigError', errorMessage: 'secret-message' },
};

it.each<[stage: string, body: string | undefined, text: string]>([
  [
    'probe',
    encodeMessage(batch),
    'batch 2 of 3 over gate, round of 2026-01-02T03:04:00.000Z: prod/n1, prod/n2, prod/n3 and 2 more; expired at 2026-01-02T03:05:00.000Z',
  ],
  [
    'probe',
    encodeMessage(packed),
    'batch 2 of 3 over gate, round of 2026-01-02T03:04:00.000Z: prod/n1, prod/n2, prod/n3 and 2 more; expired at 2026-01-02T03:05:00.000Z',
  ],
  [
    'store',
    observationMessages(seen)[0],
    'batch 2 of 3 over gate, round of 2026-01-02T03:04:00.000Z: 5 observations (1 failed) of prod/n1, prod/n2, prod/n3 and 2 more',
  ],
  [
    'store',
    observationMessages(lost)[0],
    'batch 2 of 3 over gate, round of 2026-01-02T03:04:00.000Z: the bastion was lost',
  ],
  [
    'evaluate',
    encodeMessage({ roundMs, shard: { kind: 'whole' } }),
    'evaluation of all clusters, round of 2026-01-02T03:04:00.000Z',
  ],
  [
    'evaluate',
    encodeMessage({ roundMs, shard: { kind: 'clusters', index: 1, count: 4 } }),
    'evaluation of part 1/4, round of 2026-01-02T03:04:00.000Z',
  ],
  ['notify', tickMessage(roundMs), 'wake-up of a round, until 2026-01-02T03:04:00.000Z'],
  ['deliver', encodeMessage({ incidentId: 'all/ops/x' }), 'delivery of incident all/ops/x'],
  ['deliver', encodeMessage({ incidentId: 'mount=/\u001b[2J' }), 'delivery of incident mount=/?[2J'],
  ['plan', '{"scheduledTime":"2026-01-02T03:04:00Z"}', 'start of the round of 2026-01-02T03:04:00Z'],
  [
    'plan',
    JSON.stringify(givenUp),
    'start of the round of 2026-01-02T03:04:00Z: RetriesExhausted after 3 tries, ConfigError',
  ],
  ['deliver', 'secret, and no JSON', 'not a message of ours, 19 bytes'],
  ['deliver', '{"gzip":"bm8="}', 'not a message of ours, 15 bytes'],
  ['notify', '{"why":"secret"}', 'not a message of ours, 16 bytes'],
  [
    'probe',
    encodeMessage({ ...batch, roundMs: 1e300 }),
    `not a message of ours, ${encodeMessage({ ...batch, roundMs: 1e300 }).length} bytes`,
  ],
  ['unknown', '{}', 'not a message of ours, 2 bytes'],
])('%s %#: in words, and nothing that is not meant to be shown', (stage, body = '', text) => {
  expect(messageText(stage, body)).toBe(text);
  expect(messageText(stage, body)).not.toContain('secret');
});
