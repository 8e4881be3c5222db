import { createHash } from 'node:crypto';

export interface WebhookBody {
  contentType: string;
  bytes: Uint8Array;
}

/** Names of the parts. */
export const PAYLOAD_PART = 'payload';
export const PICTURE_PART = 'picture';

/**
 * `multipart/form-data` (RFC 7578) of the JSON and the picture. FormData would choose a new boundary each time, but a
 * repeated message must be the same bytes: here the boundary follows from the key, and does not occur in the content.
 */
export function multipart(key: string, json: string, png: Uint8Array): WebhookBody {
  const boundary = boundaryOf(key, [Buffer.from(json), png]);
  const head = (name: string, rest: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  const bytes = Buffer.concat([
    Buffer.from(head(PAYLOAD_PART, '\r\ncontent-type: application/json; charset=utf-8')),
    Buffer.from(`${json}\r\n`),
    Buffer.from(head(PICTURE_PART, '; filename="chart.png"\r\ncontent-type: image/png')),
    png,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}

function boundaryOf(key: string, contents: readonly Uint8Array[]): string {
  for (let n = 0; ; n++) {
    const boundary = `bartizan-${createHash('sha256').update(`${key} ${n}`).digest('hex').slice(0, 32)}`;
    if (!contents.some((content) => Buffer.from(content).includes(boundary))) return boundary;
  }
}
