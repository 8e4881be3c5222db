import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRoute, z } from '@hono/zod-openapi';
import { runBacktest } from '../../core/backtest/backtest.ts';
import { chooseRules } from '../../core/backtest/choose-rules.ts';
import { BacktestTooLargeError } from '../../core/backtest/limits.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Api } from './api.ts';
import { backtestSchema } from './backtest-schema.ts';
import { ApiError, errorResponses } from './errors.ts';
import { listParameter, rangeOf, rangeParameters } from './parameters.ts';
import { jsonContent } from './schemas.ts';

const LONGEST_MS = 31 * 86_400_000;
/** About ten seconds of work, and some 30 MB at a time. */
const MOST_SAMPLES = 5_000_000;
const LONGEST_RUN_MS = 25_000;

const route = createRoute({
  method: 'get',
  path: '/v1/backtests',
  summary: 'What rules would have said about stored samples, and to whom',
  description: `Evaluated by the code that evaluates rounds, with the rules, routes and silences in force. At most 31 days and ${MOST_SAMPLES} samples.
\`bartizan backtest\` has no such limit, and compares versions of rules.`,
  tags: ['Backtests'],
  request: {
    query: z.strictObject({
      rule: listParameter('Name of a rule, a glob; default: all.', 'memory-*'),
      ...rangeParameters,
    }),
  },
  responses: {
    200: jsonContent('The backtest.', backtestSchema.meta({ id: 'Backtest' })),
    ...errorResponses(),
  },
});

export function addBacktests(api: Api): void {
  api.openapi(route, async (c) => {
    const { rule, ...asked } = c.req.valid('query');
    const { ports } = c.var;
    const config = await ports.config();
    const nowMs = ports.clock.nowMs();
    const { fromMs, toMs } = rangeOf(asked, nowMs);
    if (toMs - fromMs > LONGEST_MS)
      throw new ApiError(400, 'a backtest here covers 31 days at most', '`bartizan backtest` has no limit');
    const request = {
      config,
      rules: rulesOf(config.rules, rule),
      targets: await ports.targets(),
      silences: await ports.state.listSilences({ endedAfterMs: fromMs }),
      ...{ fromMs, toMs },
    };
    const late = AbortSignal.timeout(LONGEST_RUN_MS);
    const signal = AbortSignal.any([c.req.raw.signal, late]);
    // Other requests have their turn between slices.
    const onProgress = () => nextTurn();
    try {
      const found = await runBacktest(request, {
        store: ports.store,
        mostSamples: MOST_SAMPLES,
        signal,
        onProgress,
      });
      return c.json(found, 200);
    } catch (error) {
      if (error instanceof BacktestTooLargeError) throw new ApiError(413, error.message);
      if (late.aborted)
        throw new ApiError(
          413,
          `it took longer than ${LONGEST_RUN_MS / 1000} s`,
          'ask for a shorter range or fewer rules',
        );
      throw error;
    }
  });
}

function rulesOf(rules: Parameters<typeof chooseRules>[0], wanted: readonly string[]): string[] {
  try {
    return chooseRules(rules, wanted);
  } catch (error) {
    if (error instanceof ConfigError) throw new ApiError(400, `\`rule\`: ${error.message}`);
    throw error;
  }
}
