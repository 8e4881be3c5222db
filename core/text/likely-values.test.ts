import { describe, expect, it } from 'vitest';
import { formatDuration } from '../duration.ts';
import { likelyByteSize, likelyDurationMs, likelyNumber } from './likely-values.ts';

describe('what was probably meant', () => {
  it.each([
    ['5 min', '5m'],
    ['7 days', '7d'],
    ['1h 30m', '1h30m'],
    ['1.5h', '1h30m'],
    ['2 weeks', '14d'],
    ['5M', '5m'],
    ['90 seconds', '1m30s'],
    ['5', undefined],
    ['5 apples', undefined],
    ['about 5m', undefined],
    ['', undefined],
  ])('by the duration %s', (text, meant) => {
    const ms = likelyDurationMs(text);
    expect(ms === undefined ? undefined : formatDuration(ms)).toBe(meant);
  });

  it.each([
    ['64KB', '64KiB'],
    ['64k', '64KiB'],
    ['512 mib', '512MiB'],
    ['1.5GiB', '1536MiB'],
    ['1048576', '1MiB'],
    ['1000', '1000B'],
    ['10 bytes', '10B'],
    ['much', undefined],
    ['', undefined],
  ])('by the size %s', (text, meant) => {
    expect(likelyByteSize(text)).toBe(meant);
  });

  it.each([
    ['90', 'leave out the quotes: `90`'],
    [' 0.5 ', 'leave out the quotes: `0.5`'],
    ['90%', 'leave out the `%`: `90`'],
    ['99,5 %', 'leave out the `%`: `99.5`'],
    ['1,000,000', 'write `1000000`'],
    ['99,5', 'write `99.5`'],
    ['5m', 'write seconds, without a unit: `300`'],
    ['2GiB', 'write bytes, without a unit: `2147483648`'],
    ['high', undefined],
  ])('by the number %s', (text, hint) => {
    expect(likelyNumber(text)).toBe(hint);
  });
});
