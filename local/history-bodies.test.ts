import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createHistoryGate } from './history-gate.ts';
import { createMeter } from './meter.ts';

const MIB = 1024 ** 2;
let server: Server;
let asked: number;
let answers: PromiseWithResolvers<void>;

beforeEach(async () => {
  asked = 0;
  answers = Promise.withResolvers();
  const gate = createHistoryGate({
    history: () => ({
      async answer() {
        asked++;
        await answers.promise;
        return { status: 200, headers: [], body: (async function* () {})() };
      },
      close() {},
    }),
    timeoutMs: () => 30_000,
    origins: () => [],
    isSecure: false,
    meter: createMeter(),
  });
  server = createServer(gate).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  answers.resolve();
  server.closeAllConnections();
  server.close();
});

async function post(bytes: number): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const body = new Uint8Array(bytes);
  return (await fetch(`http://127.0.0.1:${port}/v1/silences`, { method: 'POST', body })).status;
}

it('holds so many long bodies at once, and short ones beside them', async () => {
  const waiting = Array.from({ length: 32 }, () => post(MIB));
  await vi.waitFor(() => expect(asked).toBe(32), 5_000);
  expect(await post(100_000)).toBe(503);
  const short = post(16_384);
  await vi.waitFor(() => expect(asked).toBe(33));
  answers.resolve();
  expect(new Set(await Promise.all([...waiting, short]))).toEqual(new Set([200]));
  expect(await post(MIB)).toBe(200);
});
