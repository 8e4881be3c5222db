// `silence` against a history service.

import { z } from 'zod';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import type { StoredSilence } from '../core/model/silence.ts';
import type { ListedSilence } from '../core/notify/listed-silences.ts';
import { alertSchema } from '../history/api/alert-schema.ts';
import { listedSilenceSchema, silenceSchema } from '../history/api/silence-schema.ts';
import { readPages, readShownConfig, type ShownConfig } from './remote.ts';

export async function readRemoteSilences(
  client: HistoryClient,
  { expired = false }: { expired?: boolean },
): Promise<{ listed: readonly ListedSilence[]; config: ShownConfig; nowMs: number }> {
  const shape = z.object({ silences: z.array(listedSilenceSchema) });
  const { silences } = await client.get('/v1/silences', { expired: String(expired) }, shape);
  return { listed: silences, ...(await readShownConfig(client)) };
}

/** What somebody asks for; with `alert` an acknowledgement. */
export interface RemoteSilence {
  matchers: StoredSilence['matchers'];
  /** An id or its beginning. */
  alert?: string | undefined;
  fromMs?: number | undefined;
  forMs?: number | undefined;
  author: string;
  comment: string;
}

/** The silence, and the pending and firing alerts among which are those that it covers. */
export async function addRemoteSilence(
  client: HistoryClient,
  asked: RemoteSilence,
  alertCalled: <T extends { id: string }>(id: string, alerts: readonly T[]) => T,
) {
  const { matchers, alert: id, fromMs, forMs, author, comment } = asked;
  const { config, nowMs } = await readShownConfig(client);
  const alerts = await readPages(client, '/v1/alerts', {}, { name: 'alerts', item: alertSchema });
  const about = id === undefined ? { matchers } : { alertId: alertCalled(id, alerts).id };
  const untilMs = forMs === undefined ? undefined : (fromMs ?? nowMs) + forMs;
  const shape = z.object({ silence: silenceSchema, covers: z.array(z.string()) });
  const body = { ...about, fromMs, untilMs, author, comment };
  const { silence, covers } = await client.post('/v1/silences', body, shape);
  return {
    silence,
    covered: alerts.filter((alert) => covers.includes(alert.id)),
    config,
    nowMs: Math.max(nowMs, silence.createdAtMs),
  };
}

export function endRemoteSilence(client: HistoryClient, id: string): Promise<StoredSilence> {
  return client.delete(`/v1/silences/${encodeURIComponent(id)}`, silenceSchema);
}
