import { z } from '@hono/zod-openapi';

const CODES = {
  400: 'bad-request',
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  503: 'unavailable',
} as const;
export type ErrorStatus = keyof typeof CODES;

/** An answer that is no success. The message says what is wrong and where, the hint what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ErrorStatus;
  readonly hint: string | undefined;

  constructor(status: ErrorStatus, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

const MEANINGS: Readonly<Record<ErrorStatus, string>> = {
  400: 'The request is wrong; `message` says where.',
  401: 'No valid token came with the request.',
  403: 'The token has not the scope for this.',
  404: 'There is no such thing, or the token does not show it.',
  405: 'The path has other methods; `Allow` names them.',
  413: 'The answer or the body would be too large; `hint` says what to narrow.',
  415: 'A body must be JSON, with `Content-Type: application/json`.',
  429: 'Too many requests; try again after `Retry-After` seconds.',
  503: 'The store does not answer now, or the query took too long.',
};

const errorSchema = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe(
        `${Object.values(CODES)
          .map((code) => `\`${code}\``)
          .join(', ')}; and \`busy\`, \`timeout\`, \`failed\``,
      ),
      message: z.string(),
      hint: z.string().optional(),
    }),
  })
  .meta({ id: 'Error' });

export function errorBody(status: ErrorStatus, message: string, hint?: string): z.infer<typeof errorSchema> {
  return { error: { code: CODES[status], message, ...(hint !== undefined && { hint }) } };
}

/** The answers for the OpenAPI document; any path may give those of the process in front of it. */
export function errorResponses(...own: readonly ErrorStatus[]) {
  const statuses = new Set<ErrorStatus>([400, 401, 403, 413, 429, 503, ...own]);
  return {
    ...Object.fromEntries(
      [...statuses]
        .sort()
        .map((status) => [
          status,
          { description: MEANINGS[status], content: { 'application/json': { schema: errorSchema } } },
        ]),
    ),
    431: { description: 'Address and headers have more than 16 KiB; there is no body.' },
  };
}
