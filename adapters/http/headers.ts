import { z } from 'zod';
import { secretTextSchema } from '../../core/config/secret-text.ts';

/** The HTTP client sets these headers itself; another value would break the request. */
const SET_BY_HTTP = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

/** Additional headers of requests. Values may contain references to secrets. */
export const headersSchema = z
  .record(z.string().regex(/^[A-Za-z0-9-]+$/), secretTextSchema)
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (!SET_BY_HTTP.has(name.toLowerCase())) continue;
      const message = 'HTTP sets this header itself; remove it';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });
