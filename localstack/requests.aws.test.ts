import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from './emulator.ts';
import { defaultNetwork } from './requests.ts';
import { runsSchedules, startRound } from './rounds.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ running: undefined });
});
afterAll(() => emulator.stop());

it('the emulator has a network, and it runs schedules itself', async () => {
  expect(await defaultNetwork(emulator)).toEqual({
    vpcId: 'vpc-00000001',
    privateSubnetIds: ['subnet-00000001', 'subnet-00000002'],
  });
  expect(await runsSchedules(emulator)).toBe(true);
  await expect(startRound(emulator, 0)).rejects.toThrow('no function to start a round with');
});

it('a round is started as the schedule of AWS does, at its whole minute', async () => {
  const asked: { line: string; body: string; type: unknown; scope: unknown }[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { 'x-amz-invocation-type': type, authorization: scope } = request.headers;
      asked.push({ line: `${request.method} ${request.url}`, body, type, scope });
      response.end(
        JSON.stringify({
          Functions: [{ FunctionName: 'x' }, { FunctionName: 'BartizanPipeline-PlanFunction1' }],
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const other = { ...emulator, url };
  await startRound(other, Date.parse('2026-01-02T03:04:59.999Z'));
  expect(asked.map(({ line }) => line)).toEqual([
    'GET /2015-03-31/functions/',
    'POST /2015-03-31/functions/BartizanPipeline-PlanFunction1/invocations',
  ]);
  expect(asked[1]).toMatchObject({
    body: '{"scheduledTime":"2026-01-02T03:04:00.000Z"}',
    type: 'Event',
    scope: expect.stringContaining('/us-east-1/lambda/aws4_request'),
  });
  // LocalStack answers at this path; any other emulator has schedules of its own.
  expect(await runsSchedules(other)).toBe(false);
  server.close();
});

it('requests are signed, so an emulator that authorises answers them too', async () => {
  const secure = await startEmulator({ running: undefined, secure: true });
  try {
    expect((await defaultNetwork(secure)).vpcId).toBe('vpc-00000001');
    const { client } = secure;
    const unknownKey = {
      ...client,
      credentials: { ...client.credentials, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' },
    };
    await expect(defaultNetwork({ ...secure, client: unknownKey })).rejects.toThrow('status code 401');
  } finally {
    await secure.stop();
  }
});
