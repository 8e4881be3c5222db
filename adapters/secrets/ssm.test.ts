import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { type AwsWire, refusal, startAwsWire } from '../../test/aws-wire.ts';
import { createSecrets } from './secrets.ts';

const MINUTE = 60_000;

describe('parameters of Systems Manager', () => {
  let wire: AwsWire;
  let secrets: Secrets;
  let nowMs: number;
  beforeEach(async () => {
    nowMs = 0;
    wire = await startAwsWire();
    secrets = createSecrets({ baseDir: '/', aws: wire.client, nowMs: () => nowMs });
  });
  afterEach(() => wire.close());
  const answer = (Value: string) => wire.answers.push({ body: { Parameter: { Name: '/a', Value } } });

  it('are asked for decrypted, once for all who ask, and redacted', async () => {
    answer('first-token\n');
    const both = ['x', 'y'].map((text) => secrets.resolve(`${text} \${ssm:/a/token:3}`));
    expect(await Promise.all(both)).toEqual(['x first-token', 'y first-token']);
    expect(wire.asked).toEqual([
      { action: 'GetParameter', body: { Name: '/a/token:3', WithDecryption: true } },
    ]);
    expect(secrets.redact('says first-token')).toBe('says <secret>');
  });

  it('are kept for five minutes, then a rotated value is seen', async () => {
    for (const [atMs, value] of [
      [0, 'old'],
      [5 * MINUTE - 1, 'old'],
      [5 * MINUTE, 'new'],
    ] as const) {
      nowMs = atMs;
      if (wire.answers.length === 0) answer(atMs === 0 ? 'old' : 'new');
      expect(await secrets.resolve(`\${ssm:/a}`), String(atMs)).toBe(value);
    }
  });

  it('are asked for again at once when what they say was refused, but not without end', async () => {
    answer('old');
    await secrets.resolve(`\${ssm:/a}`);
    nowMs = 9_999;
    secrets.forget?.();
    expect(await secrets.resolve(`\${ssm:/a}`)).toBe('old');
    nowMs = 10_000;
    secrets.forget?.();
    answer('new');
    expect(await secrets.resolve(`\${ssm:/a}`)).toBe('new');
    expect(wire.asked).toHaveLength(2);
  });

  it('keep their last value for an hour while nobody answers, not when they are gone', async () => {
    answer('value');
    await secrets.resolve(`\${ssm:/a}`);
    nowMs = 6 * MINUTE;
    wire.answers.push(refusal('ParameterNotFound'));
    await expect(secrets.resolve(`\${ssm:/a}`)).rejects.toThrow(ConfigError);
    await wire.close();
    expect(await secrets.resolve(`\${ssm:/a}`)).toBe('value');
    nowMs = 60 * MINUTE;
    await expect(secrets.resolve(`\${ssm:/a}`)).rejects.toThrow(RetryableError);
  });

  it.each([
    ['ParameterNotFound', `\${ssm:/a}: there is no such parameter in this region and account`],
    ['AccessDeniedException', `\${ssm:/a}: AccessDeniedException: as told (check credentials and policy)`],
  ])('fail with their name when AWS says %s', async (name, message) => {
    wire.answers.push(refusal(name));
    await expect(secrets.resolve(`\${ssm:/a}`)).rejects.toThrow(new ConfigError(message));
  });

  it('keep the line break of a key, and may not be empty', async () => {
    answer('-----BEGIN X-----\nabc\n-----END X-----\n');
    expect(await secrets.resolve(`\${ssm:/key}`)).toBe('-----BEGIN X-----\nabc\n-----END X-----\n');
    answer(' ');
    await expect(secrets.resolve(`\${ssm:/b}`)).rejects.toThrow(`\${ssm:/b}: the parameter is empty`);
  });
});
