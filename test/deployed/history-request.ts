// Requests to the addresses of history, as Lambda passes them to the functions behind them.

import type { Account } from './account.ts';

export interface HistoryRequest {
  path: string;
  token?: string;
  /** A caller whose signature AWS has verified. */
  arn?: string;
  /** Sent by POST, as JSON. */
  body?: unknown;
}

/** The status, and the JSON of the answer. */
export async function askHistory(
  { invoke }: Pick<Account, 'invoke'>,
  stage: 'History' | 'HistoryIam',
  { path, token, arn, body }: HistoryRequest,
): Promise<{ status: number; json: unknown }> {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const method = body === undefined ? 'GET' : 'POST';
  const answer = (await invoke(stage, {
    ...{ version: '2.0', rawPath, rawQueryString },
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    requestContext: {
      domainName: 'history.lambda-url.us-east-1.on.aws',
      http: { method, path: rawPath, sourceIp: '198.51.100.7' },
      ...(arn !== undefined && { authorizer: { iam: { userArn: arn } } }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  })) as { statusCode: number; body: string };
  return { status: answer.statusCode, json: JSON.parse(answer.body) };
}
