import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AwsClient } from '../adapters/aws/client.ts';

type Body = Record<string, unknown>;

export interface Answer {
  status?: number;
  body: Body;
}

export interface AwsWire {
  client: AwsClient;
  /** The answers, in this order; after the last one, `{}`. */
  answers: Answer[];
  asked: { action: string; body: Body }[];
  close(): Promise<void>;
}

/** A JSON service of AWS on loopback: gives the answers in order, and keeps the requests. */
export async function startAwsWire(): Promise<AwsWire> {
  const answers: Answer[] = [];
  const asked: AwsWire['asked'] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      asked.push({ action, body: JSON.parse(Buffer.concat(parts).toString()) as Body });
      const { status = 200, body } = answers.shift() ?? { body: {} };
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    client: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    answers,
    asked,
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function refusal(name: string, more: Body = {}): Answer {
  return { status: 400, body: { __type: `com.amazonaws#${name}`, message: 'as told', ...more } };
}
