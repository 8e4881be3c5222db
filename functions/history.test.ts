// The function history as Lambda calls it, over a table and a bucket in memory.

import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTableState } from '../adapters/state/dynamodb/state.ts';
import { RetryableError } from '../core/errors.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Series } from '../core/model/sample.ts';
import type { Scope } from '../core/model/token.ts';
import { createToken } from '../history/access/token.ts';
import { createMeter } from '../local/meter.ts';
import { createConfigured } from '../test/cloud/configured.ts';
import { configOf, configText } from '../test/config-cases.ts';
import { createMemoryBucket } from '../test/memory-bucket.ts';
import { createMemoryTable } from '../test/memory-table.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { readEnvironment } from './environment.ts';
import { createHistory } from './history.ts';
import type { Services } from './services.ts';

const NOW = Date.UTC(2026, 11, 1, 12);
const MINUTE = 60_000;
const HISTORY_MS = 30 * 24 * 60 * MINUTE;
const ARN = 'arn:aws:sts::123456789012:assumed-role/dashboards/ada';

const config = configOf(
  configText({
    clusters: `clusters:
  - { name: one, bastion: seoul, nodes: [{ name: a, role: etcd, host: h }] }
  - { name: two, bastion: seoul, nodes: [{ name: b, role: etcd, host: h }] }
`,
    more: 'rules: [{ name: memory, metric: mem_usage, above: 90, for: 2m, severity: critical }]\n',
  }),
);

let logger: ReturnType<typeof createRecordingLogger>;
let meter: ReturnType<typeof createMeter>;
let nowMs: number;
let state: ReturnType<typeof createTableState>;
let series: () => Promise<Series[]>;
let actions: AuditAction[];
let heads: string[];
const clock = { nowMs: () => nowMs };

beforeEach(() => {
  logger = createRecordingLogger();
  meter = createMeter();
  nowMs = NOW;
  state = createTableState(createMemoryTable(), { clock, historyMs: HISTORY_MS });
  series = async () =>
    [
      ['one', 'a', 95],
      ['two', 'b', 40],
    ].map(([cluster, node, value]) => ({
      metric: 'mem_usage',
      labels: { cluster: String(cluster), node: String(node), role: 'etcd' },
      points: [{ timeMs: NOW - MINUTE, value: Number(value) }],
    }));
  actions = [];
  heads = [];
});

type Answer = APIGatewayProxyStructuredResultV2 & { json(): unknown };
interface Asked {
  method?: string;
  token?: string;
  arn?: string;
  headers?: Record<string, string>;
  body?: string;
}

function withoutHistory({ server: { history: _absent, ...server }, ...settings }: Pick<Config, 'server'>) {
  return { ...settings, server };
}

interface HistoryOptions {
  access?: 'public' | 'iam';
  config?: Config;
  remainingMs?: number;
  /** A release before queries wrote the active configuration. */
  before?: true;
}

function history(options: HistoryOptions = {}) {
  const bucket = createMemoryBucket();
  const configured = createConfigured({
    config: options.config ?? config,
    slices: 2,
    ports: { bucket, clock, logger, meter },
  })();
  const store = { query: () => series(), latest: () => series(), rollUps: async () => [] };
  const services = {
    environment: readEnvironment({
      BARTIZAN_BUCKET: 'bucket',
      BARTIZAN_TABLE: 'table',
      HISTORY_ACCESS: options.access,
    }),
    ...{ clock, logger, meter, ...configured },
    ...(options.before && { config: async () => withoutHistory(await configured.config()) }),
    secrets: { resolve: async (text: string) => text, redact: (text: string) => text },
    bucket: async () => bucket,
    charts: async () => ({ get: async () => undefined }),
    state: async () => ({
      ...state,
      putAuditHead: async (writer: string) => void heads.push(writer),
    }),
    store: async () => store,
    actionAudit: async () => ({
      append: async (entries: readonly AuditAction[]) => void actions.push(...entries),
      head: () => ({ writer: 'history/stream/1', sequence: actions.length, hash: '' }),
    }),
  } as unknown as Services;
  const handler = createHistory(() => services);
  const context = {
    functionName: 'history',
    awsRequestId: 'r',
    getRemainingTimeInMillis: () => options.remainingMs ?? 30_000,
  } as Context;
  return async (path: string, { method = 'GET', token, arn, headers, body }: Asked = {}): Promise<Answer> => {
    const [rawPath = '', rawQueryString = ''] = path.split('?');
    const event = {
      ...{ rawPath, rawQueryString, body },
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      requestContext: {
        domainName: 'abc.lambda-url.us-east-1.on.aws',
        http: { method, path: rawPath, sourceIp: '192.0.2.7' },
        ...(arn !== undefined && { authorizer: { iam: { userArn: arn } } }),
      },
    };
    const answer = (await handler(event as never, context)) as APIGatewayProxyStructuredResultV2;
    return { ...answer, json: () => JSON.parse(answer.body ?? '') };
  };
}

async function addToken(
  scope: Scope,
  selector?: { name: string; op: '='; value: string }[],
): Promise<string> {
  const { text, id, hash } = createToken();
  await state.putToken({
    ...{ id, hash, scope, name: scope, createdAtMs: NOW, author: 'ada' },
    ...(selector && { selector }),
  });
  return text;
}

const QUERY = '/api/v1/query?query=bartizan_mem_usage_percent';
const nodesIn = (answer: Answer) =>
  (answer.json() as { data: { result: { metric: { node: string } }[] } }).data.result.map(
    ({ metric }) => metric.node,
  );

const silence = JSON.stringify({
  matchers: [{ name: 'node', value: 'a', isRegex: false }],
  startsAt: new Date(NOW).toISOString(),
  endsAt: new Date(NOW + 60 * MINUTE).toISOString(),
  createdBy: 'ada',
  comment: 'disk swap',
});
const postSilence = { method: 'POST', body: silence, headers: { 'content-type': 'application/json' } };

describe('the public address', () => {
  it('answers queries by tokens, each what its selector shows', async () => {
    const ask = history();
    expect(nodesIn(await ask(QUERY, { token: await addToken('read') }))).toEqual(['a', 'b']);
    const token = await addToken('read', [{ name: 'cluster', op: '=', value: 'two' }]);
    expect(nodesIn(await ask(QUERY, { token }))).toEqual(['b']);
    expect((await ask('/v1/nodes', { token })).body).not.toContain('"a"');
    expect(meter.total('history_requests_total')).toBe(3);
  });

  it('refuses who has none, whatever else the request says, in the form of the interface', async () => {
    const ask = history();
    const forged = { 'x-forwarded-for': '127.0.0.1', 'x-amzn-iam-user-arn': ARN, host: 'localhost' };
    for (const asked of [
      {},
      { token: createToken().text },
      { token: 'x' },
      { arn: ARN },
      { headers: forged },
    ]) {
      const answer = await ask(QUERY, asked);
      expect(answer).toMatchObject({ statusCode: 401, headers: { 'cache-control': 'no-store' } });
      expect(answer.json()).toMatchObject({ status: 'error', error: expect.stringContaining('token') });
    }
    expect((await ask('/api/v2/alerts')).json()).toEqual(expect.stringContaining('token'));
  });

  it('lets an address guess a few tokens only, and goes on to serve those that are known', async () => {
    const ask = history();
    const token = await addToken('read');
    await ask(QUERY, { token });
    const statuses = [];
    for (let i = 0; i < 25; i++) statuses.push((await ask(QUERY, { token: createToken().text })).statusCode);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect((await ask(QUERY, { token })).statusCode).toBe(200);
  });

  it('adds a silence, which the table has, and the audit, anchored', async () => {
    const ask = history();
    const token = await addToken('silence');
    expect((await ask('/api/v2/silences', { ...postSilence, token })).statusCode).toBe(200);
    expect(await state.listSilences({ endedAfterMs: NOW })).toMatchObject([{ comment: 'disk swap' }]);
    expect(actions).toMatchObject([{ action: 'silence-added', outcome: 'ok' }]);
    expect(heads).toEqual(['history/stream/1']);
    const reader = { ...postSilence, token: await addToken('read') };
    expect((await ask('/api/v2/silences', reader)).statusCode).toBe(403);
    expect(actions).toHaveLength(1);
  });

  it('answers 413 in the form of the interface for more than Lambda sends', async () => {
    const points = Array.from({ length: 200_000 }, (_, i) => ({ timeMs: NOW - (i + 1) * 100, value: i / 7 }));
    series = async () => [
      {
        metric: 'mem_usage',
        labels: { cluster: 'one', node: 'a', role: 'etcd' },
        points: points.toReversed(),
      },
    ];
    const answer = await history()(
      `/api/v1/query?query=${encodeURIComponent('bartizan_mem_usage_percent[6h]')}`,
      {
        token: await addToken('read'),
      },
    );
    expect([answer.statusCode, answer.json()]).toEqual([
      413,
      { status: 'error', errorType: 'bad_data', error: expect.stringContaining('shorter range') },
    ]);
  });

  it('says that a query took too long before Lambda ends the call', async () => {
    series = () => new Promise(() => {});
    const answer = await history({ remainingMs: 2_500 })(QUERY, { token: await addToken('read') });
    expect([answer.statusCode, answer.json()]).toMatchObject([503, { errorType: 'timeout' }]);
  });

  it('keeps the causes of failures to the log', async () => {
    const token = await addToken('read');
    series = () => Promise.reject(new Error('password hunter2 was refused'));
    for (const path of [QUERY, '/v1/range?metric=mem_usage']) {
      const answer = await history()(path, { token });
      expect(answer.statusCode).toBeGreaterThanOrEqual(422);
      expect(answer.body).not.toContain('hunter2');
    }
    state.findToken = () => Promise.reject(new RetryableError('table arn:aws:dynamodb:x is throttled'));
    const answer = await history()(QUERY, { token });
    expect([answer.statusCode, answer.body]).toEqual([503, expect.not.stringContaining('arn:aws')]);
  });

  it('answers nothing where `server.history.enabled` is false', async () => {
    const server = { ...config.server, history: { ...config.server.history, enabled: false } };
    const answer = await history({ config: { ...config, server } })(QUERY, { token: await addToken('read') });
    expect([answer.statusCode, answer.json()]).toMatchObject([404, { errorType: 'not_found' }]);
  });

  it('puts queries off while the active configuration is that of a release without them', async () => {
    const answer = await history({ before: true })(QUERY, { token: await addToken('read') });
    expect([answer.statusCode, answer.headers?.['retry-after']]).toEqual([503, '60']);
  });

  it('draws, and says how healthy the deployment is', async () => {
    const ask = history();
    const token = await addToken('read');
    const answer = await ask('/v1/pictures?metric=mem_usage', { token });
    expect([answer.statusCode, answer.headers?.['content-type']]).toEqual([200, 'image/png']);
    expect(answer.isBase64Encoded).toBe(true);
    expect(
      Buffer.from(answer.body ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect((await ask('/v1/status', { token })).body).toContain('rounds-missing');
  });

  it('refuses what is no request, and keeps 404 for other paths', async () => {
    const ask = history();
    expect((await ask(QUERY, { method: 'PUT' })).statusCode).toBe(405);
    expect((await ask('/')).body).toBe('not found\n');
    expect((await ask('/v2/anything')).statusCode).toBe(404);
  });
});

describe('the address of IAM', () => {
  it('answers those whom AWS names, and writes their ARN into the audit', async () => {
    const ask = history({ access: 'iam' });
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/20261201/us-east-1/lambda/aws4_request',
    };
    expect(nodesIn(await ask(QUERY, { arn: ARN, headers }))).toEqual(['a', 'b']);
    expect((await ask('/api/v2/silences', { ...postSilence, arn: ARN })).statusCode).toBe(200);
    expect(actions).toMatchObject([{ action: 'silence-added', actor: expect.stringContaining(ARN) }]);
  });

  it('believes no header', async () => {
    const ask = history({ access: 'iam' });
    expect((await ask(QUERY, { headers: { 'x-amzn-iam-user-arn': ARN } })).statusCode).toBe(401);
  });
});
