import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answering, listen, setup, useHttpPeers } from '../../test/http-peers.ts';
import { freeContent } from './http-body.ts';

useHttpPeers();

describe('requests that let the server pack its answer', () => {
  const text = '# a line\n'.repeat(2_000);
  const zipped = gzipSync(text);
  const bomb = gzipSync(Buffer.alloc(50_000_000, 'x'));
  const withLength = (length: number) => {
    const copy = Buffer.from(zipped);
    copy.writeUInt32LE(length, copy.length - 4);
    return copy;
  };
  const packing = { 'content-encoding': 'gzip' };

  it.each<[string, Buffer | string, Record<string, string>, { body: string; isCut: boolean }]>([
    ['gzip', zipped, packing, { body: text, isCut: false }],
    [
      'gzip of exactly as much',
      gzipSync('y'.repeat(65_536)),
      packing,
      { body: 'y'.repeat(65_536), isCut: false },
    ],
    ['gzip of a byte more', gzipSync('y'.repeat(65_537)), packing, { body: 'y'.repeat(65_536), isCut: true }],
    ['a bomb', bomb, packing, { body: 'x'.repeat(65_536), isCut: true }],
    ['a plain text all the same', text, {}, { body: text, isCut: false }],
  ])('read %s', async (_name, body, headers, expected) => {
    const { get } = await setup(await listen(http.createServer(answering(body, headers))));
    const answer = await get({ gzip: true });
    expect({ body: answer.body, isCut: answer.isCut }).toEqual(expected);
    expect(answer.bytes).toBe(body.length);
  });

  it('read as much as arrived where the packed answer is cut', async () => {
    const noise = randomBytes(30_000).toString('base64');
    const { get } = await setup(await listen(http.createServer(answering(gzipSync(noise), packing))));
    const answer = await get({ gzip: true, maxBytes: 20_000 });
    expect(answer.isCut).toBe(true);
    expect(answer.body.length).toBeGreaterThan(10_000);
    expect(noise.startsWith(answer.body)).toBe(true);
  });

  it.each([
    ['is no gzip', Buffer.from(text)],
    ['ends in the middle', zipped.subarray(0, 40)],
    ['is empty', Buffer.alloc(0)],
    ['says that its text is short', withLength(0)],
    ['says that its text has 4 GB', withLength(2 ** 32 - 1)],
  ])('fail where the body %s, and the next one works', async (_name, first) => {
    const bodies = [first, zipped];
    const { get, dials } = await setup(
      await listen(
        http.createServer((request, response) => answering(bodies.shift() ?? '', packing)(request, response)),
      ),
    );
    await expect(get({ gzip: true })).rejects.toMatchObject({
      failure: { reason: 'protocol', phase: 'request' },
      message: expect.stringContaining('its answer says that it is gzip, and is not'),
    });
    expect((await get({ gzip: true })).body).toBe(text);
    expect(dials()).toBe(1);
  });

  it.each<[string, Buffer | string, Record<string, string>, number]>([
    ['a long one', 'x'.repeat(200_000), {}, 0],
    ['a long one that was packed', gzipSync('x'.repeat(200_000)), packing, 0],
    ['a short one, which shares its memory', 'short', {}, 5],
  ])('give back the memory of %s', async (_name, body, headers, left) => {
    const { get } = await setup(await listen(http.createServer(answering(body, headers))));
    const request = { gzip: true, maxBytes: 400_000 };
    const [first, other] = [await get(request), await get(request)];
    const expected = other.body;
    freeContent(first);
    expect([first.content.length, first.body.length]).toEqual([left, left]);
    expect(other.body).toBe(expected);
    expect((await get(request)).body).toBe(expected);
  });

  it('ask for it, and no other request does', async () => {
    const asked: unknown[] = [];
    const { get } = await setup(
      await listen(
        http.createServer((request, response) => {
          asked.push(request.headers['accept-encoding']);
          response.end();
        }),
      ),
    );
    await get({ gzip: true });
    await get();
    expect(asked).toEqual(['gzip', 'identity']);
  });
});
