// No byte of a private key leaves a node: whatever lies beside a certificate, what the script prints of a file is a
// certificate that is whole.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { bodyOf, createFolder, type FolderFixture, NODES } from './script.fixture.ts';

let folder: FolderFixture;
let certificates: string[];
let keys: string[];

/** A generator of numbers from 0 to 1, the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const lines = (pem: string) => pem.trimEnd().split('\n');
const relabel = (pem: string) => pem.replaceAll(/(BEGIN|END) [A-Z ]+-----/g, '$1 CERTIFICATE-----');

/** Merges the lines of texts at random, each in its order. */
function interleave(texts: readonly string[], random: () => number): string {
  const rest = texts.map(lines);
  const merged: string[] = [];
  while (rest.some(({ length }) => length > 0)) {
    const one = rest[Math.floor(random() * rest.length)] ?? [];
    merged.push(...one.splice(0, 1));
  }
  return `${merged.join('\n')}\n`;
}

beforeAll(async () => {
  folder = createFolder();
  const authority = await makeAuthority();
  const served = await makeCertificate(['a.example', '10.0.0.1'], { authority });
  certificates = [authority.cert, served.cert];
  const pair = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1', cipher?: string) =>
    key.export({ format: 'pem', type, ...(cipher && { cipher, passphrase: 'x' }) } as never) as string;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const ed = generateKeyPairSync('ed25519').privateKey;
  keys = [
    served.key,
    pair(rsa, 'pkcs1'),
    pair(rsa, 'pkcs8'),
    pair(rsa, 'pkcs8', 'aes-256-cbc'),
    pair(rsa, 'pkcs1', 'aes-256-cbc'),
    pair(ec, 'sec1'),
    pair(ec, 'pkcs8'),
    pair(ed, 'pkcs8'),
  ];
  const [ca = '', leaf = ''] = certificates;
  const random = numbers(7);
  keys.forEach((key, i) => {
    const [begin = '', ...body] = lines(key);
    const [opening = '', ...inside] = lines(leaf);
    const open = [begin, ...body.slice(0, -1)].join('\n');
    const layouts: Record<string, string> = {
      'cert-key': leaf + key,
      'key-cert': key + leaf,
      'key-cert-key-cert': key + leaf + key + ca,
      'no-line-feeds-between': leaf.trimEnd() + key.trimEnd() + ca.trimEnd() + key.trimEnd(),
      crlf: (key + leaf + key).replaceAll('\n', '\r\n'),
      cr: (key + leaf).replaceAll('\n', '\r'),
      'key-without-end': `${open}\n${leaf}`,
      'key-without-end-last': `${leaf}${open}`,
      'key-in-certificate': [opening, key.trimEnd(), ...inside].join('\n'),
      'key-without-marks-in-certificate': [opening, ...body.slice(0, -1), ...inside].join('\n'),
      'key-behind-certificate-in-its-block': [
        opening,
        ...inside.slice(0, -1),
        ...body.slice(0, -1),
        inside.at(-1),
      ].join('\n'),
      'certificate-without-end': [opening, ...inside.slice(0, -1), key].join('\n'),
      'certificate-without-end-key-without-begin': [opening, ...inside.slice(0, -1), ...body].join('\n'),
      'key-called-certificate': relabel(key),
      'one-line': (leaf + key).replaceAll('\n', ' '),
      'escaped-in-json': JSON.stringify({ cert: leaf, key }),
      indented: (leaf + key).replaceAll(/^/gm, '    '),
      'kubeconfig-of-bundles': `users:\n- user:\n    client-certificate-data: ${base64(leaf + key)}\n    client-key-data: ${base64(key)}\n`,
      'kubeconfig-key-as-certificate': `client-certificate-data: ${base64(key)}\nclient-key-data: ${base64(leaf)}\n`,
      'kubeconfig-key-called-certificate': `client-certificate-data: ${base64(relabel(key))}\n`,
      'kubeconfig-of-der': `client-certificate-data: ${bodyOf(key)}\n`,
      'kubeconfig-in-one-line': JSON.stringify({
        'client-certificate-data': base64(leaf),
        'client-key-data': base64(key),
        'certificate-authority-data': base64(ca + key),
      }),
      'kubeconfig-folded': `client-certificate-data: >-\n  ${base64(key)}\n`,
    };
    for (const [name, content] of Object.entries(layouts)) folder.write(`${name}/${i}.pem`, content);
    for (let n = 0; n < 20; n++)
      folder.write(`interleaved/${i}-${n}.pem`, interleave([leaf, key, ...(n % 2 ? [ca] : [])], random));
    folder.write(`tls-${i}.key`, leaf + key);
    folder.write(`tls-${i}-key.pem`, leaf + key);
  });
});
afterAll(() => folder.close());

/** Everything that the script may print, but certificates and names. */
const WITHOUT_CONTENT =
  /^(|@bartizan (begin pki 1|end)|@(listed|read) \d+|@count @[a-z]+ \d+|(broken|beyond) \d+)$/;

it.each(Object.keys(NODES))('in %s each line is a name, a count or a whole certificate', (node) => {
  const { text, parsed } = folder.run(node);
  const bodies = certificates.map(bodyOf);
  const strange = text.split('\n').filter((line) => {
    if (WITHOUT_CONTENT.test(line)) return false;
    if (line.startsWith(`file ${folder.root}/`))
      return !/^[a-z0-9/.-]+$/.test(line.slice(5 + folder.root.length));
    const [, content = ''] = /^(?:pem|user|cluster) (.*)$/.exec(line) ?? [];
    return !/^=\d+$/.test(content) && !bodies.includes(content);
  });
  expect(strange).toEqual([]);
  // The script prints the certificate of every layout in which it is whole; files with the name of a key are not opened.
  const found = new Set(
    parsed.certificates.map(({ file }) => file.slice(folder.root.length + 1).split('/')[0]),
  );
  expect([...found].sort()).toEqual([
    'cert-key',
    'crlf',
    'interleaved',
    'key-cert',
    'key-cert-key-cert',
    'key-without-end',
    'key-without-end-last',
    'kubeconfig-in-one-line',
    'kubeconfig-of-bundles',
    'no-line-feeds-between',
  ]);
});
