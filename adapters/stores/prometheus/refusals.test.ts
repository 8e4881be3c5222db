import { expect, it } from 'vitest';
import { refusalIn } from './refusals.ts';

it.each([
  ['too old sample', 'too-late'],
  ['out of bounds', 'too-late'],
  ['user=1_ws-1: err: out of order sample. timestamp=2026-11-24T11:00:00Z, series={}', 'too-late'],
  ['timestamp too old: 1795521600000 metric: "bartizan_up"', 'too-late'],
  ['failed pushing: its timestamp is too old (err-mimir-sample-timestamp-too-old)', 'too-late'],
  ['out-of-order samples are not allowed (err-mimir-sample-out-of-order)', 'too-late'],
  ['store locally for endpoint: add 1 samples: out of order sample', 'too-late'],
  ['duplicate sample for timestamp', 'duplicate'],
  ['err: duplicate sample for timestamp; out of order sample', 'duplicate'],
  ['label name too long', undefined],
  ['upstream connect error or disconnect/reset before headers', undefined],
  ['', undefined],
])('%s: %s', (refusal, cause) => {
  expect(refusalIn(refusal)).toBe(cause);
});
