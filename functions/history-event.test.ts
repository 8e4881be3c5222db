import { expect, it } from 'vitest';
import { readRequest, toResult } from './history-event.ts';

const { signal } = new AbortController();
const http = { method: 'GET', path: '/', sourceIp: '192.0.2.7' };
const requestContext = { domainName: 'abc.lambda-url.us-east-1.on.aws', http };
const arn = 'arn:aws:iam::123456789012:user/ada';
const signed = { ...requestContext, authorizer: { iam: { userArn: arn } } };

function read(event: object, access: 'public' | 'iam' = 'public') {
  return readRequest({ rawPath: '/api/v1/query', requestContext, ...event }, { access, signal });
}
function requestOf(event: object) {
  const found = read(event);
  if (!('request' in found)) throw new Error(found.message);
  return found.request;
}
const post = (event: object) => ({
  requestContext: { ...requestContext, http: { ...http, method: 'POST' } },
  ...event,
});

it('is at the address of the function, whatever headers say', () => {
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', accept: 'text/html' };
  const { url, headers: seen } = requestOf({
    headers,
    rawQueryString: 'query=a%20b&x=%2B',
    cookies: ['a=1', 'b=2'],
  });
  expect(url).toBe('https://abc.lambda-url.us-east-1.on.aws/api/v1/query?query=a%20b&x=%2B');
  expect([seen.get('accept'), seen.get('cookie')]).toEqual(['text/html', 'a=1; b=2']);
});

it.each([
  ['/v1/a?b#c', '/v1/a%3Fb%23c'],
  ['//evil.example/v1/a', '//evil.example/v1/a'],
  ['/v1/å', '/v1/%C3%A5'],
])('a path is only a path: %s', (rawPath, pathname) => {
  const url = new URL(requestOf({ rawPath }).url);
  expect([url.host, url.pathname]).toEqual([requestContext.domainName, pathname]);
});

it('takes the source address from AWS, and the ARN only where AWS has verified it', () => {
  const headers = { 'x-forwarded-for': '198.51.100.1', 'x-amzn-iam-arn': arn };
  const address = '192.0.2.7';
  expect(read({ headers })).toMatchObject({ caller: { address, isLocal: false } });
  expect(read({ requestContext: signed }, 'iam')).toMatchObject({ caller: { address, arn } });
  expect(read({ requestContext: signed }, 'public')).not.toHaveProperty('caller.arn');
  expect(read({ headers }, 'iam')).not.toHaveProperty('caller.arn');
});

it('reads bodies as text and in base64, and none of a GET', async () => {
  expect(await requestOf(post({ body: 'å' })).text()).toBe('å');
  const body = Buffer.from('query=up').toString('base64');
  expect(await requestOf(post({ body, isBase64Encoded: true })).text()).toBe('query=up');
  expect(requestOf({ body: 'x' }).body).toBeNull();
});

it.each([
  [{ rawPath: 5 }, 400],
  [{ requestContext: {} }, 400],
  [{ requestContext: { ...requestContext, domainName: 'a b' } }, 400],
  [{ headers: { 'a b': 'x' } }, 400],
  [{ headers: { a: 'x\ny' } }, 400],
  [{ requestContext: { ...requestContext, http: { ...http, method: 'TRACE' } } }, 405],
  [post({ headers: { 'content-encoding': 'gzip' }, body: 'x' }), 415],
  [post({ body: 'x'.repeat(1024 ** 2 + 1) }), 413],
])('refuses what is no request of ours: %j', (event, status) => {
  expect(read(event)).toMatchObject({ status, message: expect.any(String) });
});

it('answers text as text, other bytes in base64, and each cookie by itself', async () => {
  const headers = new Headers({ 'content-type': 'application/json' });
  headers.append('set-cookie', 'a=1; Path=/');
  headers.append('set-cookie', 'b=2; Path=/');
  expect(await toResult(new Response('{"a":"å"}', { status: 422, headers }))).toEqual({
    statusCode: 422,
    headers: { 'content-type': 'application/json' },
    body: '{"a":"å"}',
    isBase64Encoded: false,
    cookies: ['a=1; Path=/', 'b=2; Path=/'],
  });
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
  expect(await toResult(new Response(png))).toMatchObject({ body: 'iVBORw==', isBase64Encoded: true });
  expect(await toResult(new Response(null, { status: 204 }))).toMatchObject({ statusCode: 204, body: '' });
});

it.each([
  ['text', () => 'x'.repeat(5 * 1024 ** 2), () => 'x'.repeat(6 * 1024 ** 2)],
  ['quotes, which grow', () => '"'.repeat(2.5 * 1024 ** 2), () => '"'.repeat(3 * 1024 ** 2)],
  [
    'bytes, which grow',
    () => new Uint8Array(4 * 1024 ** 2).fill(255),
    () => new Uint8Array(4.3 * 1024 ** 2).fill(255),
  ],
])('has no result for more than Lambda takes: %s', async (_, fitting, long) => {
  expect(await toResult(new Response(fitting()))).toBeDefined();
  expect(await toResult(new Response(long()))).toBeUndefined();
});

it('stops to read a body without end', async () => {
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1024 ** 2)),
    cancel() {
      isCancelled = true;
    },
  });
  expect(await toResult(new Response(endless))).toBeUndefined();
  expect(isCancelled).toBe(true);
});
