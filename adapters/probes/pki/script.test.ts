// What the script finds in the folders of a node, and what of it costs only itself.
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { pkiScript } from './pki.ts';
import { bodyOf, createFolder, type FolderFixture, NODES } from './script.fixture.ts';

const NOBODY = 65_534;

let ca: string;
let leaf: string;
let folder: FolderFixture;
beforeAll(async () => {
  const authority = await makeAuthority();
  ca = authority.cert;
  leaf = (await makeCertificate(['a.example'], { authority })).cert;
});
beforeEach(() => {
  folder = createFolder();
});
afterEach(() => folder.close());

const base64 = (text: string) => Buffer.from(text).toString('base64');
const at = (name: string) => join(folder.root, name);

/** `name=ca` or `name=leaf` of each certificate, in order of names, and the rest of what the script says. */
function inspect(...args: Parameters<FolderFixture['run']>) {
  const { certificates, notes, ...rest } = folder.run(...args).parsed;
  const relative = (text: string) => text.replaceAll(`${folder.root}/`, '').replaceAll(folder.root, '.');
  const called = new Map([
    [bodyOf(ca), 'ca'],
    [bodyOf(leaf), 'leaf'],
  ]);
  return {
    found: certificates
      .map(({ file, base64: body }) => `${relative(file)}=${called.get(body) ?? 'another'}`)
      .sort(),
    notes: notes.map(relative).sort(),
    unreadable: { ...rest.unreadable, names: rest.unreadable.names.map(relative).sort() },
    missing: rest.missing.names.map(relative),
    cutShort: rest.cutShort,
  };
}

const FINE = { notes: [], unreadable: { names: [], count: 0 }, missing: [], cutShort: undefined };

describe.each(Object.keys(NODES))('in %s', (node) => {
  it('it finds the certificates of files and kubeconfigs, and says where', () => {
    folder.write('pki/ca.crt', `subject: /CN=kubernetes\n\n${ca}`);
    folder.write('pki/etcd/server.crt', leaf + ca);
    folder.write('pki/windows.crt', leaf.replaceAll('\n', '\r\n'));
    folder.write('pki/note.txt', '# BEGIN CERTIFICATE\n');
    folder.write('pki/sa.pub', ca);
    folder.write(
      'admin.conf',
      `clusters:\n- cluster:\n    certificate-authority-data: ${base64(ca)}\n  name: a\n- cluster:\n    certificate-authority-data: "${base64(leaf + ca)}"\nusers:\n- name: admin\n  user:\n    # client-certificate-data: ${base64(ca)}\n    client-certificate-data: ${base64(`text\n${leaf}`)}\n`,
    );
    folder.write(
      'json.conf',
      JSON.stringify({ 'client-certificate-data': base64(leaf), 'certificate-authority-data': base64(ca) }),
    );
    expect(inspect(node)).toEqual({
      ...FINE,
      found: [
        'admin.conf#cluster2=leaf',
        'admin.conf#cluster3=ca',
        'admin.conf#cluster=ca',
        'admin.conf#user=leaf',
        'json.conf#cluster=ca',
        'json.conf#user=leaf',
        'pki/ca.crt=ca',
        'pki/etcd/server.crt#2=ca',
        'pki/etcd/server.crt=leaf',
        'pki/windows.crt=leaf',
      ],
    });
  });

  it('it takes no harm from odd files, and counts them', () => {
    folder.write('good.crt', leaf);
    folder.write(`sp ace "quoted" 'twice' $(id) \`id\` * ? [a] \\ -n %s.crt`, ca);
    folder.write('=1=2.crt', ca);
    folder.write('한빛.crt', ca);
    folder.write('two\nlines.crt', ca);
    folder.write('bell\u0007/inside.crt', ca);
    folder.write('large.pem', Buffer.concat([Buffer.from(leaf), Buffer.alloc(2 ** 20)]));
    folder.write('binary.pem', Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256)));
    folder.write('one-line.pem', 'x'.repeat(250_000));
    folder.write('empty.pem', '');
    folder.write('half.pem', leaf.slice(0, 300));
    folder.write('damaged.pem', leaf.replace(/.{4}(?=\s-----END)/, '') + ca);
    folder.write('changed.conf', `client-certificate-data: ${base64(leaf).slice(0, 200)}\n`);
    execFileSync('mkfifo', [at('fifo')]);
    symlinkSync('/dev/zero', at('device'));
    symlinkSync('fifo', at('link-to-fifo'));
    symlinkSync('good.crt', at('link.crt'));
    symlinkSync('.', at('link-to-itself'));
    symlinkSync('nowhere', at('link-to-nothing'));
    symlinkSync('loop', at('loop'));
    expect(inspect(node)).toEqual({
      ...FINE,
      found: [
        '=1=2.crt=ca',
        'damaged.pem=ca',
        'good.crt=leaf',
        'link.crt=leaf',
        `sp ace "quoted" 'twice' $(id) \`id\` * ? [a] \\ -n %s.crt=ca`,
        '한빛.crt=ca',
      ].sort(),
      notes: [
        'a certificate that is damaged or not whole: changed.conf, damaged.pem, half.pem',
        expect.stringMatching(
          /^could not be listed: '?loop'?: (Too many levels of symbolic links|Symbolic link loop)$/,
        ),
        'left out, a control character in the name: 2',
        'left out, larger than 256 KiB: large.pem',
        'left out, links to folders: link-to-itself',
        'left out, no regular files: device, fifo, link-to-fifo, link-to-nothing',
      ],
    });
  });

  it('it names what our user cannot read, and paths where nothing is', () => {
    folder.write('open.crt', leaf);
    folder.write('closed.conf', ca, 0o600);
    folder.write('closed.key', 'key', 0o600);
    folder.write('closed folder/in.crt', ca);
    chmodSync(at('closed folder'), 0o700);
    const user = process.geteuid?.() === 0 ? NOBODY : undefined;
    // Nobody but root has another user to try with.
    if (user === undefined) chmodSync(at('closed folder'), 0);
    if (user === undefined) chmodSync(at('closed.conf'), 0);
    expect(inspect(node, ['', 'gone', 'gone.conf'], user)).toEqual({
      ...FINE,
      found: ['open.crt=leaf'],
      unreadable: { names: ['closed folder', 'closed.conf'], count: 2 },
      missing: ['gone', 'gone.conf'],
    });
    chmodSync(at('closed folder'), 0o700);
  });

  it('it leaves out versions of a certificate of kubelet that are not in use', () => {
    folder.write('kubelet-client-2025-01-02-03-04-05.pem', leaf);
    folder.write('kubelet-client-2026-01-02-03-04-05.pem', ca);
    folder.write('kubelet-server-2026-01-02-03-04-05.pem', ca);
    symlinkSync('kubelet-client-2026-01-02-03-04-05.pem', at('kubelet-client-current.pem'));
    expect(inspect(node)).toEqual({
      ...FINE,
      found: ['kubelet-client-current.pem=ca', 'kubelet-server-2026-01-02-03-04-05.pem=ca'],
      notes: ['left out, earlier versions of a certificate that has a link to its current one: 2'],
    });
  });
});

it('it prints a certificate once, of ten thousand files the first and of a bundle a hundred', () => {
  folder.write('bundle.pem', leaf.repeat(300));
  folder.write('many/0.txt', 'nothing\n');
  for (let i = 1; i < 10_000; i++) linkSync(at('many/0.txt'), at(`many/${i}.txt`));
  const { text, parsed } = folder.run('dash', ['bundle.pem', 'many']);
  expect(parsed.certificates).toHaveLength(100);
  expect(text.split(bodyOf(leaf))).toHaveLength(2);
  expect(parsed.notes).toEqual([
    expect.stringMatching(/^more certificates than the script prints: .*bundle\.pem$/),
    'left out, beyond the first 4,096 files: 5905',
  ]);
});

it('it ends before the check does, where a file system hangs', () => {
  folder.write('good.crt', leaf);
  folder.write('slow/find', '#!/bin/sh\necho "file $GOOD"\nexec sleep 1000\n', 0o755);
  folder.write(
    'slow/timeout',
    '#!/bin/sh\n[ "$1" = 1 ] && exit 0\nshift\n[ "$1" = find ] || exec "$@"\nexec /usr/bin/timeout 0.2 "$@"\n',
    0o755,
  );
  const env = `PATH="${at('slow')}:$PATH" GOOD="${at('good.crt')}"\nexport GOOD`;
  const { found, cutShort } = inspect('dash', [''], undefined, env);
  expect(found).toEqual(['good.crt=leaf']);
  expect(cutShort).toBe('find was ended, as it took too long: a file system that hangs?');
});

it.each(['find', 'awk'])('without %s the node says so', (program) => {
  const { found, cutShort } = inspect(
    'dash',
    [''],
    undefined,
    `${program}() { return 127; }\ntimeout() { return 1; }`,
  );
  expect([found, cutShort]).toEqual([[], `there is no ${program} on the node`]);
});

it('the sent text prints the same as its source', () => {
  folder.write('good.crt', leaf + ca);
  folder.write('a.conf', `client-certificate-data: ${base64(leaf)}\n`);
  const source = readFileSync(new URL('./certificates.sh', import.meta.url), 'utf8');
  const [paths] = /^set -- .*$/m.exec(pkiScript({ paths: [folder.root] }).text) ?? [''];
  expect(folder.runText(source.replace(/^ *set -- \/.*$/m, paths))).toBe(folder.run().text);
});
