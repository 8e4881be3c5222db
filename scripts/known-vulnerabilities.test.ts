import { describe, expect, it } from 'vitest';
import { readAudit } from './known-vulnerabilities.ts';

const report = (severity: string) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: {
      axios: {
        severity,
        range: '<1.0',
        via: [{ title: 'Leaks headers', url: 'https://example.net/a' }, 'follow'],
      },
    },
    metadata: { dependencies: { total: 267 } },
  });

describe('the report of known vulnerabilities', () => {
  it.each([
    ['low', false],
    ['moderate', false],
    ['high', true],
    ['critical', true],
  ])('with severity %s ends the check: %s', (severity, failed) => {
    expect(readAudit(report(severity))).toEqual({
      lines: [
        'known vulnerabilities: 1 in 267 packages',
        `${severity}: axios <1.0: Leaks headers https://example.net/a; by follow`,
      ],
      failed,
    });
  });

  it('says that nothing was found', () => {
    const text = JSON.stringify({ vulnerabilities: {}, metadata: { dependencies: { total: 3 } } });
    expect(readAudit(text)).toEqual({ lines: ['known vulnerabilities: 0 in 3 packages'], failed: false });
  });

  it('is an error when the registry cannot be asked', () => {
    const refused = JSON.stringify({ message: '405 Method Not Allowed - POST', statusCode: 405 });
    expect(readAudit(refused)).toEqual({
      lines: [
        'known vulnerabilities: NOT LOOKED UP, the registry keeps no list (405 Method Not Allowed - POST)',
      ],
      failed: false,
    });
  });

  it('is an error when the machine has a network and the registry does not answer', () => {
    const silent = JSON.stringify({ message: 'connect ECONNREFUSED 127.0.0.1:9' });
    expect(readAudit(silent)).toEqual({
      lines: [
        'known vulnerabilities: NOT LOOKED UP, the registry does not answer (connect ECONNREFUSED 127.0.0.1:9)',
      ],
      failed: false,
    });
    expect(readAudit(silent, true).failed).toBe(true);
  });

  it.each(['', 'npm: not found', JSON.stringify({ error: { code: 'ENOLOCK', summary: 'no lockfile' } })])(
    'is an error when nothing was asked: %s',
    (text) => expect(readAudit(text).failed).toBe(true),
  );
});
