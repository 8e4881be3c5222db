import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { runScript } from './command.ts';

const script = { name: 'test@1', text: 'true\n', sha256: '', begin: 'begin', end: 'end' };

/** A channel as ssh2 has it: a duplex with a stderr, which tells the exit code by `exit` and again by `close`. */
function run(end: (channel: PassThrough) => void) {
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

it('knows the code of a command that had ended before it was listened to', async () => {
  expect(await run((channel) => channel.emit('close', 126))).toMatchObject({
    exitCode: 126,
    complaint: 'not today',
  });
});

it('takes a channel that closes without any code for a broken session', async () => {
  await expect(run((channel) => channel.emit('close'))).rejects.toMatchObject({
    failure: { reason: 'protocol' },
  });
});
