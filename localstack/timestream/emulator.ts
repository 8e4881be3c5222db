// An emulator of Amazon Timestream for LiveAnalytics: the parts of its wire protocol and SQL that the sample store
// uses, with the service's limits. It keeps everything in memory.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_MAGNETIC_DAYS } from './limits.ts';
import { createOperations, type ServiceOptions } from './operations.ts';
import { ServiceError } from './service-error.ts';

/** How a request is answered instead of by the service. */
export type Fault =
  | { kind: 'error'; type: string; message: string; status?: number; headers?: Record<string, string> }
  | { kind: 'garbage'; status?: number; body: string }
  | { kind: 'reset' }
  | { kind: 'silent' };

export interface ReceivedRequest {
  operation: string;
  body: unknown;
}

export interface TimestreamEmulator {
  url: string;
  /** The requests with any result, the oldest first. */
  requests: readonly ReceivedRequest[];
  /** From now on the function decides about each request; if it returns undefined, the service answers. */
  behave(fault?: (request: ReceivedRequest) => Fault | undefined): void;
  /** Runs an operation without a request. @throws ServiceError */
  operate(operation: string, request: unknown): object;
  stop(): Promise<void>;
}

const TARGET = /^Timestream_20181101\.(\w+)$/;
const CREDENTIAL = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[^/]+\/timestream\/aws4_request,/;
const LARGEST_REQUEST = 4 * 1024 * 1024;
/** The number of requests in `requests`. */
const REQUESTS_KEPT = 10_000;

/**
 * Starts an emulator on loopback. Requests must be signed by `accessKeyId`, if one is given; the emulator does not
 * verify signatures.
 * @throws the error of listening, when the port is in use
 */
export async function startTimestreamEmulator(
  options: Partial<ServiceOptions> & { port?: number; accessKeyId?: string } = {},
): Promise<TimestreamEmulator> {
  const { port = 0, accessKeyId, ...service } = options;
  const operations = createOperations({
    nowMs: Date.now,
    readDelayMs: 0,
    pageRows: Number.POSITIVE_INFINITY,
    emptyPages: false,
    ...service,
  });
  const requests: ReceivedRequest[] = [];
  let fault: Parameters<TimestreamEmulator['behave']>[0];

  function operate(operation: string, request: unknown): object {
    const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (!run) throw new ServiceError('UnknownOperationException', `the emulator does not know ${operation}`);
    return run(request);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    try {
      const operation = operationOf(request);
      const received = { operation, body: JSON.parse(body) as unknown };
      requests.push(received);
      if (requests.length > REQUESTS_KEPT) requests.shift();
      const instead = fault?.(received);
      if (instead) return misbehave(instead, request, response);
      authorize(request, accessKeyId);
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (!run)
        throw new ServiceError('UnknownOperationException', `the emulator does not know ${operation}`);
      send(response, 200, run(received.body));
    } catch (error) {
      sendError(response, error);
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave(next) {
      fault = next;
    },
    operate,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function operationOf(request: IncomingMessage): string {
  const [, operation] = TARGET.exec(String(request.headers['x-amz-target'])) ?? [];
  const right = request.method === 'POST' && request.url === '/' && operation !== undefined;
  if (!right || request.headers['content-type'] !== 'application/x-amz-json-1.0')
    throw new ServiceError('UnknownOperationException', 'this is no request to Timestream', { status: 404 });
  return operation;
}

function authorize(request: IncomingMessage, accessKeyId: string | undefined): void {
  const [, key] = CREDENTIAL.exec(request.headers.authorization ?? '') ?? [];
  if (key === undefined)
    throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token', {
      status: 403,
    });
  if (accessKeyId !== undefined && key !== accessKeyId)
    throw new ServiceError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      { status: 403 },
    );
}

function misbehave(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  if (fault.kind === 'silent') return;
  if (fault.kind === 'reset') request.socket.destroy();
  else if (fault.kind === 'garbage') response.writeHead(fault.status ?? 200).end(fault.body);
  else {
    for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
    sendError(response, new ServiceError(fault.type, fault.message, { status: fault.status ?? 400 }));
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof ServiceError) {
    const __type = `com.amazonaws.timestream.v20181101#${error.type}`;
    send(response, error.status, { __type, message: error.message, ...error.members });
  } else {
    send(response, 500, { __type: 'InternalServerException', message: String(error) });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > LARGEST_REQUEST) throw new Error('the request is too long');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Creates a database with a table that also takes late records. */
export function createTable(
  timestream: TimestreamEmulator,
  { database, table, memoryHours = 24 }: { database: string; table: string; memoryHours?: number },
): void {
  timestream.operate('CreateDatabase', { DatabaseName: database });
  timestream.operate('CreateTable', {
    DatabaseName: database,
    TableName: table,
    RetentionProperties: {
      MemoryStoreRetentionPeriodInHours: memoryHours,
      MagneticStoreRetentionPeriodInDays: DEFAULT_MAGNETIC_DAYS,
    },
    MagneticStoreWriteProperties: { EnableMagneticStoreWrites: true },
  });
}
