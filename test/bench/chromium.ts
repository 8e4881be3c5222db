// Headless Chromium as the renderer: a new one for each picture, or one that keeps running and takes commands of its
// debugging protocol.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--hide-scrollbars',
  '--no-first-run',
  '--force-device-scale-factor=2',
  '--window-size=1000,500',
];
const START_LIMIT_MS = 60_000;

/** Draws one picture in a new browser with a new profile, as a renderer without a pool does. */
export function freshBrowser(profile: string, page: string, png: string): readonly string[] {
  mkdirSync(profile, { recursive: true });
  return ['chromium', ...FLAGS, `--user-data-dir=${profile}`, `--screenshot=${png}`, `file://${page}`];
}

export interface Browser {
  /** Draws a picture in a new tab and writes it to `png`. */
  draw(page: string, png: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a browser that keeps running. @throws when it does not print its address within a minute */
export async function keptBrowser(profile: string): Promise<Browser> {
  mkdirSync(profile, { recursive: true });
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`, '--remote-debugging-port=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill();
    await ended;
  };
  const timer = setTimeout(() => child.kill(), START_LIMIT_MS);
  let address: string | undefined;
  for await (const line of createInterface({ input: child.stderr })) {
    address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address !== undefined) break;
  }
  clearTimeout(timer);
  if (address === undefined) throw new Error('Chromium did not print its address');
  child.stderr.resume();
  const send = await openProtocol(address);
  return {
    async draw(page, png) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const view = { width: 1000, height: 500, deviceScaleFactor: 2, mobile: false };
      await send('Emulation.setDeviceMetricsOverride', view, sessionId);
      const loaded = send.once('Page.loadEventFired');
      await send('Page.enable', {}, sessionId);
      await send('Page.navigate', { url: `file://${page}` }, sessionId);
      await loaded;
      const { data } = await send('Page.captureScreenshot', { format: 'png' }, sessionId);
      writeFileSync(png, Buffer.from(data as string, 'base64'));
      await send('Target.closeTarget', { targetId });
    },
    stop,
  };
}

type Fields = Record<string, unknown>;
interface Send {
  (method: string, params: Fields, sessionId?: unknown): Promise<Fields>;
  once(event: string): Promise<void>;
}

async function openProtocol(address: string): Promise<Send> {
  const socket = new WebSocket(address);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('Chromium refused the connection')), {
      once: true,
    });
  });
  const waiting = new Map<number, PromiseWithResolvers<Fields>>();
  const events = new Map<string, () => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Fields & { id?: number; method?: string; error?: Fields };
    if (message.id === undefined) return events.get(message.method ?? '')?.();
    const pending = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) pending?.reject(new Error(String(message.error.message)));
    else pending?.resolve(message.result as Fields);
  });
  const send = (method: string, params: Fields, sessionId?: unknown) => {
    const pending = Promise.withResolvers<Fields>();
    waiting.set(++last, pending);
    socket.send(JSON.stringify({ id: last, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return pending.promise;
  };
  const once = (event: string) => new Promise<void>((resolve) => events.set(event, resolve));
  return Object.assign(send, { once });
}

/** A page with a drawing and nothing else. */
export function writePage(dir: string, svg: string): string {
  const file = join(dir, 'chart.html');
  writeFileSync(file, `<!doctype html><meta charset="utf-8"><style>body{margin:0}</style>${svg}`);
  return file;
}
