// The emulator against the recorded answers, on a fake etcd; `answers.kube.test.ts` has the real kube-apiserver.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../../localstack/free-port.ts';
import { playApiserver } from './apiserver-answers.ts';
import { comparable, type Recorded, readRecorded, recordedNames } from './recorded.ts';

const EMULATOR = [process.execPath, join(import.meta.dirname, 'apiserver-emulator.ts')];

/** Knows its health, and nothing else. */
async function startFakeEtcd() {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? 200 : 404).end('{"health":"true"}');
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { clientUrls: [`http://127.0.0.1:${port}`], stop };
}

it('the emulator answers each recorded request as the real kube-apiserver', async () => {
  const answers = new Map<string, Recorded>();
  await playApiserver(startFakeEtcd, EMULATOR, (name, answer) => void answers.set(name, answer));
  expect([...answers.keys()].sort()).toEqual(recordedNames('apiserver'));
  for (const [name, answer] of answers)
    expect({ name, ...comparable(answer) }).toEqual({ name, ...comparable(readRecorded(name)) });
});
