import { ConfigError, RetryableError } from '../../../core/errors.ts';
import type { AwsClient } from '../../aws/client.ts';
import { type HttpResponse, responseExcerpt, sendRequest } from '../../http/request.ts';
import { signer } from './sigv4.ts';

/** A workspace of Amazon Managed Prometheus. */
export interface Workspace {
  region: string;
  id: string;
}

/** https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-workspace-configuration.html */
const DEFAULT_WINDOW_S = 60;
/** The most that AWS takes: https://docs.aws.amazon.com/prometheus/latest/APIReference/API_UpdateWorkspaceConfiguration.html */
export const LONGEST_WINDOW_S = 600;
const TIMEOUT_MS = 10_000;
const plain = (text: string) => text;

/**
 * How many seconds behind the newest a sample may come out of order. One signed request: the SDK's client would be a
 * dependency for it alone.
 * https://docs.aws.amazon.com/prometheus/latest/APIReference/API_DescribeWorkspaceConfiguration.html
 * @throws ConfigError no such workspace, or not allowed (its cause is named AccessDenied then); RetryableError
 */
export async function outOfOrderWindowSeconds(
  { region, id }: Workspace,
  client: AwsClient = {},
): Promise<number> {
  const base = client.endpoint ?? `https://aps.${region}.amazonaws.com`;
  const url = `${base}/workspaces/${encodeURIComponent(id)}/configuration`;
  const clock = { nowMs: Date.now };
  const sign = signer({ region, service: 'aps' }, clock, client.credentials);
  const headers = await sign({ method: 'GET', url, headers: {}, body: '' });
  const { body } = await sendRequest(
    { method: 'GET', url, headers, timeoutMs: TIMEOUT_MS, signal: new AbortController().signal, explain },
    { nowMs: clock.nowMs, redact: plain },
  );
  try {
    const answer = JSON.parse(body) as {
      workspaceConfiguration?: { outOfOrderTimeWindowInSeconds?: number };
    };
    return answer.workspaceConfiguration?.outOfOrderTimeWindowInSeconds ?? DEFAULT_WINDOW_S;
  } catch (cause) {
    throw new RetryableError(`workspace ${id}: AWS answered no JSON`, { cause });
  }

  function explain(refusal: HttpResponse): Error | undefined {
    const message = `workspace ${id} in ${region}: ${responseExcerpt(refusal, plain)}`;
    if (refusal.status === 404) return new ConfigError(`${message}: there is no such workspace`);
    if (refusal.status !== 403) return undefined;
    return new ConfigError(message, {
      cause: Object.assign(new Error(message), { name: 'AccessDeniedException' }),
    });
  }
}
