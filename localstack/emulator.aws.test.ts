import { readFileSync } from 'node:fs';
import axios from 'axios';
import { afterEach, expect, it } from 'vitest';
import { type Emulator, startEmulator } from './emulator.ts';

let emulator: Emulator | undefined;
afterEach(() => emulator?.stop());

const health = (url: string) => axios.get(`${url}/_localstack/health`).then((answer) => answer.status);

it('an emulator answers while it runs, only on loopback, and is gone after stop', async () => {
  emulator = await startEmulator({ running: undefined });
  expect(await health(emulator.url)).toBe(200);
  const port = Number(new URL(emulator.url).port);
  expect(port).toBeLessThan(32_768);
  expect(listenersOf(port)).toEqual(['0100007F']);
  await emulator.stop();
  await expect(health(emulator.url)).rejects.toThrow('ECONNREFUSED');
});

it('a running emulator is used and keeps running, and one on another machine is refused', async () => {
  emulator = await startEmulator({ running: undefined });
  const second = await startEmulator({ running: emulator.url });
  expect(second.client).toEqual(emulator.client);
  await second.stop();
  expect(await health(emulator.url)).toBe(200);
  for (const running of ['https://dynamodb.eu-west-1.amazonaws.com', 'http://127.0.0.1.example.com']) {
    await expect(startEmulator({ running })).rejects.toThrow('not on this machine');
  }
});

/** The addresses that listen on a port, in hexadecimal as Linux shows them. */
function listenersOf(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  return lines.flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const [address, at] = (local ?? '').split(':');
    return state === '0A' && at === hex ? [address ?? ''] : [];
  });
}
