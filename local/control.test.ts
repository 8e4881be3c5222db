import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scaledMs } from '../test/machine-speed.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { type ControlCommands, listenForCommands, sendCommand } from './control.ts';

let dir: string;
let closing: (() => Promise<void>)[];
const logger = createRecordingLogger();
const timeoutMs = scaledMs(10_000);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-control-'));
  closing = [];
  logger.lines.length = 0;
});

afterEach(async () => {
  for (const close of closing) await close();
  rmSync(dir, { recursive: true, force: true });
});

async function listen(commands: ControlCommands, at = dir) {
  const listener = await listenForCommands({ dir: at, commands, logger });
  closing.push(listener.close);
  return listener;
}

const echo: ControlCommands = {
  echo: async (args) => ({ ok: true, message: 'done', detail: args }),
  refuse: async () => ({ ok: false, message: 'not now' }),
  async fail() {
    throw new Error('the disk is full');
  },
};

/** What a client gets that sends a text, and ends or keeps its side open. */
async function rawAnswer(text: string): Promise<string> {
  const socket = connect(join(dir, 'control/up.sock'));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.on('error', () => {});
  socket.end(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

it('answers a command', async () => {
  await listen(echo);
  const detail = { all: ['ä', 'x'.repeat(40_000)] };
  expect(await sendCommand(dir, { command: 'echo', args: detail }, { timeoutMs })).toEqual({
    ok: true,
    message: 'done',
    detail,
  });
});

it('answers what a command refuses, what fails, and what it does not know, and logs it', async () => {
  await listen(echo);
  const answerTo = async (command: string) => await sendCommand(dir, { command }, { timeoutMs });
  expect(await answerTo('refuse')).toEqual({ ok: false, message: 'not now' });
  expect(await answerTo('fail')).toEqual({ ok: false, message: 'the disk is full' });
  expect((await answerTo('toString')).message).toContain('knows no command toString');
  expect(logger.lines.map(({ level, fields }) => [level, fields.why])).toContainEqual([
    'warn',
    'the disk is full',
  ]);
});

it('is for its own user alone', async () => {
  await listen(echo);
  expect(statSync(join(dir, 'control')).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, 'control/up.sock')).mode & 0o777).toBe(0o600);
});

it('says that none runs, also after one was killed', async () => {
  const none = `no \`bartizan up\` runs on ${dir}`;
  await expect(sendCommand(dir, { command: 'echo' }, { timeoutMs })).rejects.toThrow(none);
  mkdirSync(join(dir, 'control'));
  writeFileSync(join(dir, 'control/up.sock'), '');
  await expect(sendCommand(dir, { command: 'echo' }, { timeoutMs })).rejects.toThrow(none);
  await listen(echo);
  expect((await sendCommand(dir, { command: 'echo' }, { timeoutMs })).ok).toBe(true);
});

it('works in a folder whose path is longer than that of a socket may be', async () => {
  const deep = join(dir, 'x'.repeat(90), 'y'.repeat(90));
  mkdirSync(deep, { recursive: true });
  await listen(echo, deep);
  expect((await sendCommand(deep, { command: 'echo' }, { timeoutMs })).ok).toBe(true);
});

it.each([
  ['no JSON', 'reload\n', 'the request is no JSON'],
  ['no command', '{}\n', 'command'],
  ['half a line', '{"command":"ec', 'the connection ended before its line did'],
  ['a long line', 'x'.repeat(80_000), 'a line has at most 65536 bytes'],
])('answers %s with a sentence', async (_, text, message) => {
  await listen(echo);
  expect(JSON.parse(await rawAnswer(text))).toMatchObject({ ok: false });
  expect(await rawAnswer(text)).toContain(message);
});

it('does not wait for commands when it closes, and a client learns that', async () => {
  const started = Promise.withResolvers<void>();
  const listener = await listen({
    wait: () => {
      started.resolve();
      return new Promise(() => {});
    },
  });
  const waiting = sendCommand(dir, { command: 'wait' }, { timeoutMs });
  await started.promise;
  await listener.close();
  expect(await waiting).toMatchObject({ ok: false, message: expect.stringContaining('stops') });
});

it('does not wait for an answer for ever', async () => {
  mkdirSync(join(dir, 'control'));
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(join(dir, 'control/up.sock'), resolve));
  await expect(sendCommand(dir, { command: 'echo' }, { timeoutMs: 50 })).rejects.toThrow('did not answer');
  mute.close();
});

it('names the folder that it cannot use', async () => {
  writeFileSync(join(dir, 'control'), '');
  await expect(listen(echo)).rejects.toThrow(`${join(dir, 'control/up.sock')}: commands cannot reach`);
});
