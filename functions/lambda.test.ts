import http from 'node:http';
import https from 'node:https';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.resetModules();
});

it('puts no address of a request into a trace', async () => {
  vi.resetModules();
  // Where the tracer is on: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  vi.stubEnv('AWS_EXECUTION_ENV', 'AWS_Lambda_nodejs24.x');
  vi.stubEnv('LAMBDA_TASK_ROOT', '/var/task');
  vi.stubEnv(
    '_X_AMZN_TRACE_ID',
    'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1',
  );
  vi.stubEnv('AWS_XRAY_CONTEXT_MISSING', 'IGNORE_ERROR');
  const before = [http.request, https.request, globalThis.fetch];
  await import('./lambda.ts');
  expect([http.request, https.request, globalThis.fetch]).toEqual(before);
});

it('counts in the form of CloudWatch, under the names that alarms look at', async () => {
  const lines: string[] = [];
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'plan');
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
  const { lambda, meter } = await import('./lambda.ts');
  const handle = lambda(async () => meter.count('config_errors_total', { ignored: 'x' }, 2));
  await handle({}, { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never);
  const said = lines.flatMap((line) => (line.includes('config_errors_total') ? [JSON.parse(line)] : []));
  expect(said).toMatchObject([
    {
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Bartizan',
            Dimensions: [['service']],
            Metrics: [{ Name: 'config_errors_total', Unit: 'Count' }],
          },
        ],
      },
      service: 'plan',
      config_errors_total: 2,
    },
  ]);
});

it('what is thrown holds no secret, its cause neither', async () => {
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

it('no line and no error holds what could turn or hide text', async () => {
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
])('an error %s is thrown as it is, redacted', async (_what, make, message) => {
  const { lambda, redactWith } = await import('./lambda.ts');
  redactWith({ redact: (text) => text.replaceAll('s3cr3t', '***') });
  const error = make();
  const handle = lambda(() => Promise.reject(error));
  const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 } as never;
  await expect(handle({}, context)).rejects.toBe(error);
  expect(error.message).toBe(message);
});
