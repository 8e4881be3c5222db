// What the program says about who may ask for history; joined in core/own-metrics.ts.

import { counter, type OwnMetric } from './own-metric.ts';

export const ACCESS_METRICS = {
  history_access_refused_total: counter(
    'both',
    ['reason'],
    'Requests for history without a valid token or login, by reason: `missing`, `malformed`, `unknown`, `revoked`, `expired`, `rate` (too many refused tokens), `origin` (of another site), `login`',
  ),
} as const satisfies Record<string, OwnMetric>;
