// Requests to the address of a function as those of the web, and answers of the web as results of a function.

import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { z } from 'zod';
import type { Refusal } from '../history/interfaces.ts';
import type { Caller } from '../history/principal.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
const eventSchema = z.looseObject({
  rawPath: z.string(),
  rawQueryString: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
  requestContext: z.looseObject({
    domainName: z.string(),
    http: z.looseObject({ method: z.string(), sourceIp: z.string() }),
    authorizer: z.looseObject({ iam: z.looseObject({ userArn: z.string().nullish() }).nullish() }).nullish(),
  }),
});
type HistoryEvent = z.output<typeof eventSchema>;

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'DELETE'];
const MOST_BODY_BYTES = 1024 ** 2;
/** Lambda takes 6 MB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), headers included. */
const MOST_RESULT_BYTES = 5.5 * 1024 ** 2;

/**
 * The request, and who asks: AWS names address and ARN, and no header does. `access` is that of the function's address, which
 * has verified an ARN only if it is `iam`.
 */
export function readRequest(
  event: unknown,
  { access, signal }: { access: 'public' | 'iam'; signal: AbortSignal },
): { request: Request; caller: Caller } | Refusal {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) return NO_REQUEST;
  const { http, authorizer } = parsed.data.requestContext;
  const { method } = http;
  if (!METHODS.includes(method)) return WRONG_METHOD;
  try {
    const headers = headersOf(parsed.data);
    if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return COMPRESSED;
    const body = bodyOf(parsed.data);
    if (body.length > MOST_BODY_BYTES) return LONG_BODY;
    const hasBody = method !== 'GET' && method !== 'HEAD' && body.length > 0;
    const request = new Request(addressOf(parsed.data), {
      ...{ method, headers, signal },
      ...(hasBody && { body }),
    });
    const arn = access === 'iam' ? authorizer?.iam?.userArn : undefined;
    return { request, caller: { address: http.sourceIp, isLocal: false, ...(arn && { arn }) } };
  } catch {
    // A header or an address that HTTP does not allow.
    return NO_REQUEST;
  }
}

const NO_REQUEST: Refusal = { status: 400, code: 'request', message: 'this is no request' };
const WRONG_METHOD: Refusal = {
  status: 405,
  code: 'method',
  message: `the method is one of ${METHODS.join(', ')}`,
};
const COMPRESSED: Refusal = {
  status: 415,
  code: 'encoding',
  message: 'a request is read uncompressed; send it without `Content-Encoding`',
};
const LONG_BODY: Refusal = {
  status: 413,
  code: 'too-large',
  message: `a request may have ${MOST_BODY_BYTES / 1024 ** 2} MiB at most`,
};

function headersOf({ headers, cookies }: HistoryEvent): Headers {
  const read = new Headers(headers ?? {});
  // AWS takes them out of the headers.
  if (cookies && cookies.length > 0) read.set('cookie', cookies.join('; '));
  return read;
}

function bodyOf({ body, isBase64Encoded }: HistoryEvent): Buffer<ArrayBuffer> {
  return Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
}

/** The name is that of the function's address, whatever the header `Host` says. */
function addressOf({ rawPath, rawQueryString, requestContext }: HistoryEvent): URL {
  const address = new URL(`https://${requestContext.domainName}`);
  address.pathname = rawPath;
  address.search = rawQueryString ?? '';
  return address;
}

/** Undefined when the answer is longer than Lambda takes; nobody reads the rest of it then. */
export async function toResult(response: Response): Promise<APIGatewayProxyStructuredResultV2 | undefined> {
  const bytes = await readBytes(response);
  if (bytes === undefined) return undefined;
  const isText = isUtf8(bytes);
  const body = bytes.toString(isText ? 'utf8' : 'base64');
  // Quotes and line ends of a text grow, as bytes do.
  if (Buffer.byteLength(JSON.stringify(body)) > MOST_RESULT_BYTES) return undefined;
  const cookies = response.headers.getSetCookie();
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie'));
  return {
    ...{ statusCode: response.status, headers, body, isBase64Encoded: !isText },
    ...(cookies.length > 0 && { cookies }),
  };
}

async function readBytes({ body }: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the body.
    if (bytes > MOST_RESULT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
