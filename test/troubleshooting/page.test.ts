import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { messagesOf, SECTIONS, troubleshootingPage } from './page.ts';
import { createScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  // Variables that the messages name are not set.
  vi.stubEnv('BARTIZAN_NEVER_SET', undefined);
  scene = await createScene();
});
afterAll(async () => {
  await scene.close();
  vi.unstubAllEnvs();
});

it('docs/troubleshooting.md has the messages of the code', async () => {
  await expect(await troubleshootingPage(scene)).toMatchFileSnapshot('../../docs/troubleshooting.md');
});

it('each of thirty errors or more is another, and the page has nothing of this machine', async () => {
  const messages = await messagesOf(scene);
  expect(messages.length).toBeGreaterThanOrEqual(30);
  expect(new Set(messages.map(({ message }) => message)).size).toBe(messages.length);
  expect(new Set(messages.map(({ what }) => what)).size).toBe(messages.length);
  expect(messages.filter(({ message }) => /tmp|undefined|PRIVATE KEY/.test(message))).toEqual([]);
  const texts = SECTIONS.flatMap(({ cases }) => cases.flatMap(({ cause, cure }) => [cause, cure]));
  expect(texts.filter((text) => !text.endsWith('.'))).toEqual([]);
});
