import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteSizeSchema,
  durationOrNeverSchema,
  durationSchema,
  formatDuration,
  parseDuration,
} from './duration.ts';

describe('duration', () => {
  it.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['500ms', 500],
    ['1m500ms', 60_500],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(durationSchema.parse(text)).toBe(ms);
  });

  it.each(['', '5', 'm', '5 m', '-5m', '1.5h', '30m1h', '5M', '5m5m'])('refuses "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow('is not a duration: write it like `90s`');
    expect(durationSchema.safeParse(text).success).toBe(false);
  });

  it.each(['36501d', '99999999999d', '1h99999999999999999999999s'])(
    'takes no %s: it would be no time',
    (text) => {
      const refusal = 'is longer than a hundred years (36500d)';
      expect(() => parseDuration(text)).toThrow(refusal);
      for (const schema of [durationSchema, durationOrNeverSchema]) {
        expect(schema.safeParse(text).error?.issues.map(({ message }) => message)).toEqual([
          expect.stringContaining(refusal),
        ]);
      }
      expect(parseDuration('36500d')).toBe(36_500 * 86_400_000);
    },
  );

  it('suggests a unit for a number, and says when it is missing', () => {
    expect(durationSchema.safeParse(30).error?.issues[0]?.message).toMatch(/did you mean `30m` or `30s`\?$/);
    expect(durationSchema.safeParse(undefined).error?.issues[0]?.message).toMatch(/^a duration is missing/);
  });

  it('writes what it reads', () => {
    fc.assert(fc.property(fc.nat({ max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
    expect(formatDuration(-90_000)).toBe('-1m30s');
  });
});

describe('byte size', () => {
  it.each([
    ['512MiB', 536_870_912],
    ['64KiB', 65_536],
    ['1GiB', 1_073_741_824],
    ['10B', 10],
  ])('reads %s', (text, bytes) => expect(byteSizeSchema.parse(text)).toBe(bytes));

  it.each([512, '512', '512MB', '1.5GiB', 'MiB'])('refuses %s', (text) => {
    expect(byteSizeSchema.safeParse(text).error?.issues[0]?.message).toMatch(
      /is not a byte size: write it like/,
    );
  });
});
