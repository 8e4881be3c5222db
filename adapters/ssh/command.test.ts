import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { openCommand, runScript } from './command.ts';

const script = { name: 'test@1', text: 'true\n', sha256: '', begin: 'begin', end: 'end' };

/** A channel like ssh2's: a duplex with a stderr, which reports the exit code by `exit` and again by `close`. */
function runWith(end: (channel: PassThrough) => void) {
  const stderr = new PassThrough();
  const channel = Object.assign(new PassThrough({ autoDestroy: false, emitClose: false }), { stderr });
  const running = runScript({ channel: channel as never, tookMs: 0 } as never, script as never, {
    deadlineMs: 5_000,
    maxBytes: 1_000,
    nowMs: () => 0,
  });
  stderr.write('not today\n');
  setImmediate(() => end(channel));
  return running;
}

it('gets the code of a command that ended before anybody listened', async () => {
  expect(await runWith((channel) => channel.emit('close', 126))).toMatchObject({
    exitCode: 126,
    complaint: 'not today',
  });
});

it('reports a broken session when a channel closes without a code', async () => {
  await expect(runWith((channel) => channel.emit('close'))).rejects.toMatchObject({
    failure: { reason: 'protocol' },
  });
});

it.each([
  [
    '(SSH) Channel open failure: open failed',
    2,
    'the node opens no session: MaxSessions 0 in its sshd_config?',
  ],
  ['(SSH) Channel open failure: no\nmore', 4, 'the node opens no session: "no"'],
  ['(SSH) Channel open failure: ', 1, 'the node opens no session: it does not say why'],
  ['Unable to exec', undefined, 'the node does not let us run a command'],
])('explains why a command cannot start: %j', async (message, reason, detail) => {
  const exec = (_command: string, done: (error: Error) => void) =>
    done(Object.assign(new Error(message), reason !== undefined && { reason }));
  const opening = openCommand({ client: { exec }, isOpen: () => true } as never, 5_000, () => 0);
  await expect(opening).rejects.toMatchObject({ failure: { reason: 'command', phase: 'exec', detail } });
});
