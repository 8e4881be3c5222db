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

  it('are read decrypted, once for all concurrent callers, and redacted', async () => {
    answer('first-token\n');
    const both = ['x', 'y'].map((text) => secrets.resolve(`${text} \${ssm:/a/token:3}`));
    expect(await Promise.all(both)).toEqual(['x first-token', 'y first-token']);
    expect(wire.asked).toEqual([
      { action: 'GetParameter', body: { Name: '/a/token:3', WithDecryption: true } },
    ]);
    expect(secrets.redact('says first-token')).toBe('says <secret>');
  });

  it('are cached for five minutes, then a rotated value is used', async () => {
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

  it('are read again at once after a refusal, but not endlessly', async () => {
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

  it('are read past the cache on demand, but not twice in a second', async () => {
    answer('old-token');
    await secrets.resolve(`\${ssm:/a}`);
    nowMs = 999;
    expect(await secrets.renew?.(`\${ssm:/a}`)).toBe('old-token');
    nowMs = 1_000;
    answer('new-token');
    expect(await secrets.renew?.(`x \${ssm:/a}`)).toBe('x new-token');
    expect(await secrets.resolve(`\${ssm:/a}`)).toBe('new-token');
    expect(secrets.redact('old-token or new-token')).toBe('<secret> or <secret>');
    nowMs = 3_000;
    wire.answers.push(refusal('AccessDeniedException'));
    await expect(secrets.renew?.(`\${ssm:/a}`)).rejects.toThrow(/AccessDenied/);
    expect(await secrets.resolve(`\${ssm:/a}`)).toBe('new-token');
  });

  it('keep their last value for an hour while AWS does not answer, but not after a deletion', async () => {
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

  it('fail with their name if they are missing, or AWS refuses', async () => {
    wire.answers.push(refusal('ParameterNotFound'), refusal('AccessDeniedException'));
    const missing = `\${ssm:/a}: there is no such parameter in this region and account`;
    await expect(secrets.resolve(`\${ssm:/a}`)).rejects.toThrow(new ConfigError(missing));
    const refused = `\${ssm:/a}: AccessDeniedException: as told (check credentials and policy)`;
    await expect(secrets.resolve(`\${ssm:/a}`)).rejects.toThrow(new ConfigError(refused));
  });

  it('are read ten per call, and a forbidden one fails only itself', async () => {
    const key = (i: number) => ({ Name: `/keys/${i}`, Value: `key of ${i}` });
    const denied = refusal('AccessDeniedException');
    // The third of the second call is missing there, and the second of the third may not be read.
    wire.answers.push({ body: { Parameters: Array.from({ length: 10 }, (_, i) => key(i)) } });
    wire.answers.push({ body: { Parameters: [10, 11, 13, 14, 15, 16, 17, 18, 19].map(key) } });
    wire.answers.push(denied, { body: { Parameter: key(20) } }, denied, { body: { Parameter: key(22) } });
    const all = Array.from({ length: 23 }, (_, i) => secrets.resolve(`\${ssm:/keys/${i}}`));
    const results = await Promise.allSettled(all);
    const failed = results.flatMap((each, i) =>
      each.status === 'rejected' ? [[i, each.reason.message]] : [],
    );
    expect(failed).toEqual([
      [12, `\${ssm:/keys/12}: there is no such parameter in this region and account`],
      [21, `\${ssm:/keys/21}: AccessDeniedException: as told (check credentials and policy)`],
    ]);
    expect(results[22]).toEqual({ status: 'fulfilled', value: 'key of 22' });
    const asked = wire.asked.map(({ action, body }) => `${action} ${(body.Names as string[])?.length ?? 1}`);
    expect(asked).toEqual([
      ...['GetParameters 10', 'GetParameters 10', 'GetParameters 3'],
      ...Array.from({ length: 3 }, () => 'GetParameter 1'),
    ]);
  });

  it('fail together, and are not read one by one, while AWS does not answer', async () => {
    const throttled = refusal('ThrottlingException');
    wire.answers.push(throttled, throttled, throttled);
    const results = await Promise.allSettled([1, 2].map((i) => secrets.resolve(`\${ssm:/keys/${i}}`)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(wire.asked.every(({ body }) => (body.Names as string[]).length === 2)).toBe(true);
  });

  it('keep the line break of a key, and must not be empty', async () => {
    answer('-----BEGIN X-----\nabc\n-----END X-----\n');
    expect(await secrets.resolve(`\${ssm:/key}`)).toBe('-----BEGIN X-----\nabc\n-----END X-----\n');
    answer(' ');
    await expect(secrets.resolve(`\${ssm:/b}`)).rejects.toThrow(`\${ssm:/b}: the parameter is empty`);
  });
});
