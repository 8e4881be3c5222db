import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.resetModules();
});

it('metrics have the format of CloudWatch, and the names that alarms read', async () => {
  const lines: string[] = [];
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'plan');
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  const { lambda, meter } = await import('./lambda.ts');
  const handle = lambda(async () => meter.count('transitions_unrouted_total', { rule: 'ignored' }, 2));
  await handle({}, { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never);
  const logged = lines.flatMap((line) =>
    line.includes('transitions_unrouted_total') ? [JSON.parse(line)] : [],
  );
  expect(logged).toMatchObject([
    {
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Bartizan',
            Dimensions: [['service']],
            Metrics: [{ Name: 'transitions_unrouted_total', Unit: 'Count' }],
          },
        ],
      },
      service: 'plan',
      transitions_unrouted_total: 2,
    },
  ]);
  expect(lines.join('')).not.toContain('ColdStart');
});

it('of histograms CloudWatch gets the one that counts there, with each of its values', async () => {
  const lines: string[] = [];
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'deliver');
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  const { lambda, meter } = await import('./lambda.ts');
  const handle = lambda(async () => {
    for (const seconds of [300, 301])
      meter.observe('breach_to_accepted_seconds', seconds, { channel: 'ops' });
    meter.observe('delivery_latency_seconds', 1, { channel: 'ops' });
  });
  await handle({}, { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never);
  const sent = lines.flatMap((line) => (line.includes('breach_to_accepted') ? [JSON.parse(line)] : []));
  expect(sent).toMatchObject([{ service: 'deliver', breach_to_accepted_seconds: [300, 301] }]);
  expect(sent[0]._aws.CloudWatchMetrics[0].Metrics).toEqual([
    { Name: 'breach_to_accepted_seconds', Unit: 'Seconds' },
  ]);
});

it('neither a thrown error nor its cause contains a secret', async () => {
  const { lambda, redactWith } = await import('./lambda.ts');
  redactWith({ redact: (text) => text.replaceAll('s3cr3t', '***') });
  const handle = lambda(async () => {
    throw new Error('outer s3cr3t', { cause: new Error('inner s3cr3t') });
  });
  const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never;
  const thrown = await handle({}, context).then(
    () => new Error('nothing was thrown'),
    (error: Error) => error,
  );
  const cause = thrown.cause as Error;
  expect([thrown.message, cause.message]).toEqual(['outer ***', 'inner ***']);
  expect(`${thrown.stack}${cause.stack}`).not.toContain('s3cr3t');
});

it('no line and no error contains characters that could turn or hide text', async () => {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  const { lambda, logger, redactWith } = await import('./lambda.ts');
  redactWith({ redact: (text) => text });
  const handle = lambda(async () => {
    logger.warn('node says \u009b2J', { detail: 'a\u202eb\u200b' });
    throw new Error('turned \u202ehere');
  });
  const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never;
  await expect(handle({}, context)).rejects.toThrow('turned here');
  expect(lines.join('')).toContain('node says');
  expect(lines.join('')).not.toMatch(/[\u0080-\u009f\u202e\u200b]/);
});

it.each([
  ['whose message cannot be set', () => new DOMException('cut s3cr3t', 'AbortError'), 'cut ***'],
  [
    'that is its own cause',
    () => {
      const error = new Error('round s3cr3t');
      return Object.assign(error, { cause: error });
    },
    'round ***',
  ],
])('an error %s is thrown unchanged, but redacted', async (_what, make, message) => {
  const { lambda, redactWith } = await import('./lambda.ts');
  redactWith({ redact: (text) => text.replaceAll('s3cr3t', '***') });
  const error = make();
  const handle = lambda(() => Promise.reject(error));
  const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never;
  await expect(handle({}, context)).rejects.toBe(error);
  expect(error.message).toBe(message);
});
