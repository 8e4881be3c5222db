import { expect, it } from 'vitest';
import { createMeter } from '../local/meter.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createPlan } from './plan.ts';
import type { Services } from './services.ts';

it('plan does nothing without an active configuration, and does not fail, as a failure would be retried and start an alarm', async () => {
  const logger = createRecordingLogger();
  const meter = createMeter();
  const asked = (what: string) => async () => Promise.reject(new Error(`${what} was asked for`));
  const ports = { config: asked('config'), fleet: asked('fleet'), queues: asked('queues') };
  const services = { logger, meter, activate: async () => false, ...ports } as unknown as Services;
  const context = { functionName: 'plan', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never;
  const handle = createPlan(() => services);
  expect(await handle({ scheduledTime: '2026-01-02T03:04:00Z' }, context)).toEqual({ batches: 0 });
  expect(JSON.stringify(logger.lines)).toContain('nothing is planned until a valid one is uploaded');
  expect(meter.total('rounds_unconfigured_total')).toBe(1);
});
