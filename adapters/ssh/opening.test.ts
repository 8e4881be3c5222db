import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { watchOpening } from './opening.ts';

/** Sends `chunks` one by one to a reader that comes after the first `early` of them. */
async function read(chunks: readonly string[], early = 0) {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  stream.pause();
  let floods = 0;
  for (const chunk of chunks.slice(0, early)) stream.push(Buffer.from(chunk));
  const opening = watchOpening(stream, () => floods++);
  let got = '';
  stream.on('data', (chunk: Buffer) => {
    got += chunk.toString();
  });
  stream.resume();
  for (const chunk of chunks.slice(early)) {
    stream.push(Buffer.from(chunk));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.push(null);
  await new Promise((resolve) => stream.on('end', resolve));
  return { got, before: opening.text(), identified: opening.identified(), floods };
}

const ID = 'SSH-2.0-x\r\n';

describe('what comes before an identification', () => {
  it.each([
    ['nothing', [ID, 'packet'], '', `${ID}packet`],
    [
      'lines, in pieces',
      ['Hello\r', '\nto you\nSS', 'H-2.0-x', '\r\npac', 'ket'],
      'Hello\r\nto you\n',
      `${ID}packet`,
    ],
    ['a line with the word in it', ['no SSH-2.0 here\n', ID], 'no SSH-2.0 here\n', ID],
  ])('is kept, and ssh2 does not read it: %s', async (_, chunks, before, got) => {
    const whole = { got, before, identified: true, floods: 0 };
    expect(await read(chunks)).toEqual(whole);
    expect(await read([chunks.join('')])).toEqual(whole);
    expect(await read([...chunks.join('')])).toEqual(whole);
    for (const early of [1, 2]) expect(await read(chunks, early)).toEqual(whole);
  });

  it('may come without an identification', async () => {
    expect(await read(['Exceeded MaxStartups\r\n'])).toMatchObject({
      got: '',
      before: 'Exceeded MaxStartups\r\n',
    });
    expect(await read(['220 no line end'], 1)).toMatchObject({
      got: '',
      before: '220 no line end',
      identified: false,
    });
  });

  it('may be 89 KB, of which the beginning is kept; an endless one is a flood', async () => {
    const long = await read(Array.from({ length: 89 }, () => `${'x'.repeat(1_022)}\r\n`).concat(ID));
    expect(long).toMatchObject({ got: ID, identified: true, floods: 0 });
    expect(long.before.length).toBeLessThan(2_100);
    const flood = await read(Array.from({ length: 300 }, () => 'x'.repeat(1_024)));
    expect(flood).toMatchObject({ identified: false, floods: 1 });
  });
});
