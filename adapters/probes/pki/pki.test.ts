import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKED_LABELS } from '../../../core/config/matchers.ts';
import { parsePki } from '../../../core/parse/pki-output.ts';
import { isExcluded } from '../../../core/selection.ts';
import { makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { KINDS } from '../../registry.ts';
import type { NodeHandle } from '../probe.ts';
import { pki, pkiScript } from './pki.ts';
import { bodyOf } from './script.fixture.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const DAY_MS = 86_400_000;
const DAY = 86_400;
const day = (days: number) => new Date(NOW + days * DAY_MS);

let ca: string;
const made: Record<string, string> = {};
beforeAll(async () => {
  const authority = await makeAuthority();
  ca = bodyOf(authority.cert);
  const spans = { fresh: [-10, 90], due: [-85, 5], gone: [-100, -1], early: [1, 11], backwards: [5, -5] };
  for (const [name, [from = 0, until = 0]] of Object.entries(spans)) {
    const options = { authority, from: day(from), until: day(until), commonName: `\u202e${name}` };
    made[name] = bodyOf((await makeCertificate(['a.example', '10.0.0.1'], options)).cert);
  }
});

/** Observes a node whose script prints these lines. */
async function observe(
  lines: readonly string[],
  { complaint = '', login = true, before }: { complaint?: string; login?: boolean; before?: unknown } = {},
) {
  const text = `@bartizan begin pki 1\n${lines.join('\n')}\n@bartizan end\n`;
  const node = {
    roundMs: NOW,
    run: async () => ({ parsed: parsePki(text), login, output: { complaint } }),
  } as unknown as NodeHandle;
  const { readings, ...rest } = await pki.observe(
    node,
    { name: 'pki', options: {}, everyMs: 3_600_000 },
    before,
  );
  const values = readings.map(({ metric, labels, value }) => [
    `${metric} ${labels.file ?? ''}`.trim(),
    value,
  ]);
  return { values: Object.fromEntries(values) as Record<string, number>, ...rest };
}

describe('a file that is read no more', () => {
  const due = ['file /etc/a.crt', 'pem DUE', '@read 0'];
  it.each<[string, string[], boolean]>([
    ['closed', ['@closed /etc/a.crt', '@read 0'], true],
    ['in a closed folder', ['@closed /etc', '@read 0'], true],
    ['gone', ['@read 0'], false],
    ['gone, beside one that was always closed', ['@closed /etc/b.crt', '@read 0'], false],
    ['read', due, false],
  ])('%s', async (_, lines, isPartial) => {
    const fill = (all: string[]) => all.map((line) => line.replace('DUE', made.due ?? ''));
    const other = ['file /ca', `pem ${ca}`];
    const { kept } = await observe(fill([...other, ...due]));
    let found = await observe(fill([...other, ...lines]), { before: kept });
    expect(found.isPartial).toBe(isPartial);
    found = await observe(fill([...other, ...lines]), { before: found.kept });
    expect(found.isPartial).toBe(isPartial);
  });

  it.each([undefined, null, 1, { alerting: 1 }])('what was kept may be anything: %j', async (before) => {
    expect((await observe(['file /ca', `pem ${ca}`, '@closed /b', '@read 0'], { before })).isPartial).toBe(
      false,
    );
  });
});

describe('a certificate', () => {
  it('has the time left, the lifetime, and how much of it is left', async () => {
    const names = Object.keys(made);
    const { values } = await observe([
      ...names.flatMap((name) => [`file /${name}`, `pem ${made[name]}`]),
      '@read 0',
    ]);
    expect(values).toEqual({
      'cert_expiry /fresh': 90 * DAY,
      'cert_lifetime /fresh': 100 * DAY,
      'cert_remaining /fresh': 90,
      'cert_due /fresh': 90 * DAY,
      'cert_expiry /due': 5 * DAY,
      'cert_lifetime /due': 90 * DAY,
      'cert_remaining /due': expect.closeTo(100 / 18),
      'cert_due /due': 5 * DAY,
      'cert_expiry /gone': -DAY,
      'cert_lifetime /gone': 99 * DAY,
      'cert_remaining /gone': 0,
      'cert_due /gone': -DAY,
      'cert_expiry /early': 11 * DAY,
      'cert_lifetime /early': 10 * DAY,
      'cert_remaining /early': expect.closeTo(110),
      'cert_due /early': 30 * DAY,
      'cert_expiry /backwards': -5 * DAY,
      'cert_due /backwards': -5 * DAY,
      'cert_begins /fresh': -10 * DAY,
      'cert_begins /due': -85 * DAY,
      'cert_begins /gone': -100 * DAY,
      'cert_begins /early': DAY,
      'cert_begins /backwards': 5 * DAY,
      pki_unreadable: 0,
    });
  });

  it('is described for people, the first to expire first', async () => {
    const { notes } = await observe(
      [
        ...['fresh', 'gone', 'early'].flatMap((name) => [`file /${name}`, `pem ${made[name]}`]),
        'file /ca',
        `pem ${ca}`,
        'file /odd',
        'pem MIIBAAAA',
        '@closed /admin.conf',
        '@read 0',
      ],
      { complaint: 'oops' },
    );
    expect(notes).toEqual([
      'not readable by our user: /admin.conf',
      'stderr: oops',
      '/gone: until 2026-11-26 (expired), CN=gone, issued by CN=kubernetes, for DNS:a.example, IP Address:10.0.0.1',
      '/early: until 2026-12-08 (11 days left, valid only from 2026-11-28 on), CN=early, issued by CN=kubernetes, for DNS:a.example, IP Address:10.0.0.1',
      '/fresh: until 2027-02-25 (90 days left), CN=fresh, issued by CN=kubernetes, for DNS:a.example, IP Address:10.0.0.1',
      expect.stringMatching(
        /^\/ca: until 20\d\d-\d\d-\d\d \(\d+ days left.*\), CN=kubernetes, signed by itself$/,
      ),
      'not understood: /odd',
    ]);
  });

  it('of five hundred are forty described, and all measured', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => [
      `file /${i}`,
      i === 0 ? `pem ${made.fresh}` : 'pem =1',
    ]);
    const { values, notes } = await observe([...lines.flat(), '@read 0']);
    expect(Object.keys(values)).toHaveLength(2_501);
    expect(notes).toHaveLength(41);
    expect(notes.at(-1)).toBe('460 more certificates expire later');
  });
});

describe('the check', () => {
  it.each<[string, string[], string]>([
    [
      'fails where nothing is at its paths',
      ['@missing /a', '@missing /b', '@read 0'],
      'no certificates: choose the `preset` or the `paths` of the check for this node, as nothing is at /a, /b',
    ],
    ['fails without find', ['@listed 127', '@read 0'], 'there is no find on the node'],
  ])('%s', async (_, lines, message) => {
    await expect(observe(lines)).rejects.toThrow(message);
  });

  it('counts what our user cannot read, also where that is all', async () => {
    const { values, notes } = await observe([
      '@closed /var/lib/rancher/k3s/server/tls',
      '@count @closed 1',
      '@read 0',
    ]);
    expect(values).toEqual({ pki_unreadable: 1 });
    expect(notes).toEqual(['not readable by our user: /var/lib/rancher/k3s/server/tls']);
  });

  it('says that it was cut short, and whether somebody could log in', async () => {
    const lines = ['file /a', `pem ${made.fresh}`, '@listed 124', '@read 0'];
    const { notes, login } = await observe(lines, { login: false });
    expect(notes[0]).toMatch(/^not all was read: find was ended/);
    expect(login).toBe('unknown');
  });
});

describe('the script', () => {
  it('follows from the paths alone, in whatever order', () => {
    const script = pkiScript({ paths: ['/b', '/a', '/b'] });
    expect(script).toEqual(pkiScript({ paths: ['/a', '/b'], preset: 'k3s' }));
    expect(script.text).toContain('\nset -- /a /b\n');
    expect(script.name).toMatch(/^pki-[0-9a-f]{8}@1$/);
    expect(pkiScript({}).name).toBe('pki-kubeadm@1');
    expect(pki.scriptsFor({ paths: ['/a'] })[0]?.sha256).not.toBe(pki.scriptsFor({})[0]?.sha256);
  });

  it('is in the catalogue for each preset', () => {
    for (const preset of ['kubeadm', 'k3s', 'rke2', 'openshift'])
      expect(pki.catalogue).toContain(pkiScript({ preset }));
  });

  it.each([
    ['/a b', 'letters'],
    ['/$(id)', 'letters'],
    ["/a'", 'letters'],
    ['/a;b', 'letters'],
    ['/a\nb', 'letters'],
    ['/a*', 'letters'],
    ['/한', 'letters'],
    ['a', 'from `/` on'],
    ['', 'from `/` on'],
    ['-a', 'from `/` on'],
    ['/', 'without'],
    ['/a/', 'without'],
    ['//a', 'without'],
    ['/a/../b', 'without'],
    ['/a/.', 'without'],
    [`/${'a'.repeat(200)}`, '200 characters'],
  ])('takes no path %j', (path, message) => {
    expect(() => pkiScript({ paths: [path] })).toThrow(message);
  });

  it('runs each hour unless the check says otherwise', () => {
    expect(KINDS.probes.find(({ type }) => type === 'pki')).toMatchObject({ every: '1h' });
  });
});

it('certificates can be left out by their label', async () => {
  const { readings } = await pki.observe(
    {
      roundMs: NOW,
      run: async () => ({
        parsed: parsePki(`@bartizan begin pki 1\nfile /a\nuser ${made.fresh}\n@read 0\n@bartizan end\n`),
        login: true,
        output: { complaint: '' },
      }),
    } as unknown as NodeHandle,
    { name: 'pki', options: {}, everyMs: 3_600_000 },
    undefined,
  );
  const labels = readings.map((reading) => reading.labels);
  expect(CHECKED_LABELS).toContain('file');
  expect(labels.filter((each) => !isExcluded({ file: ['*#user'] }, each))).toEqual([{}]);
});
