import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { ChannelHarness } from './channel-harness.ts';
import type { Behaviour, ChannelService, ReceivedRequest } from './channel-service.ts';
import { TEMPTING } from './notifications.ts';

/** Answers with 2xx of a service, or of something in front of it, and what they mean where a channel reads answers. */
const ODD_ANSWERS: readonly (readonly [string, Behaviour, 'failed' | 'unclear'])[] = [
  ['a web page', page('text/html; charset=utf-8', '<!DOCTYPE html><title>Log in</title>'), 'failed'],
  ['a web page that is called text', page('text/plain', '\n<html><body>Log in</body></html>'), 'failed'],
  ['a web page behind a comment', page('text/plain', '<!-- gw --><!-- 2 -->\n<html>Log in</html>'), 'failed'],
  ['a web page of XML', page('text/plain', '<?xml version="1.0"?>\n<!DOCTYPE html><html/>'), 'failed'],
  ['a page that sends a browser on', page('text/plain', '<meta http-equiv=refresh content=0>'), 'failed'],
  ['a web page without its frame', page('text/html', '<p>Log in</p>'), 'failed'],
  ['ok: false', page('application/json', '{"ok":false}'), 'failed'],
  ['an error', page('application/json', '{"error":{"message":"no"}}'), 'failed'],
  ['nothing', page('text/plain', ''), 'unclear'],
  ['{}', page('application/json', '{}'), 'unclear'],
  ['null', page('application/json', 'null'), 'unclear'],
  ['another text', page('text/plain', 'queued'), 'unclear'],
  ['204', (_, response) => response.writeHead(204).end(), 'unclear'],
  ['a body that breaks off', brokenOff, 'unclear'],
];

function page(type: string, body: string): Behaviour {
  return (_, response) => response.writeHead(200, { 'content-type': type }).end(body);
}

function brokenOff(_: ReceivedRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 99 });
  response.write('{"ok":true, "res', () => response.destroy());
}

/** What an answer with 2xx means, and what a channel does by itself after a refusal. */
export function answerTests(service: ChannelService, { send, received }: ChannelHarness): void {
  it.each(ODD_ANSWERS)('reads %s correctly', async (_, answer, meaning) => {
    const { receipt, error } = await send(answer);
    if (service.answers === 'any 2xx') {
      expect(error).toBeUndefined();
      expect(receipt?.unclear).toBeUndefined();
    } else if (meaning === 'failed') {
      expect(error).toBeInstanceOf(RetryableError);
    } else {
      expect(error).toBeUndefined();
      expect(receipt?.unclear).toMatch(/answered 20\d with .*, where it says /);
      expect(receipt?.id).toBeUndefined();
    }
  });

  it('reads the answers in `accepts` as accepted', async () => {
    if (service.answers === 'any 2xx') return;
    for (const [glob, answer] of [
      ['', page('text/plain', '')],
      ['que*', page('text/plain', 'queued\n')],
      ['{}', page('application/json', '{}')],
    ] as const) {
      const { receipt, error } = await send(answer, { options: { accepts: ['other', glob] } });
      expect([glob, error, receipt?.unclear]).toEqual([glob, undefined, undefined]);
      const other = await send(page('text/plain', 'else'), { options: { accepts: [glob] } });
      expect(other.receipt?.unclear).toBeTruthy();
    }
  });

  it('sends the same as plain text at once when the layout is refused', async () => {
    if (!service.layout) return;
    const { refuse, isPlain } = service.layout;
    const { receipt, error } = await send((request, response) =>
      isPlain(request) ? service.accept(request, response) : refuse(request, response),
    );
    expect(error).toBeUndefined();
    expect(receipt?.unclear).toBeUndefined();
    expect(receipt?.detail).toMatch(/, as plain text/);
    expect(received().filter(isPlain)).toHaveLength(1);
    const never = await send(refuse);
    expect(never.error).toBeInstanceOf(PermanentError);
  });

  it('makes neither links nor mentions of names', async () => {
    const sending = { notification: TEMPTING, picture: undefined };
    await send(service.accept, sending);
    const [message] = received().slice(-1);
    expect(message).toBeDefined();
    if (message) expect(await service.temptations(message)).toEqual([]);
    if (!service.layout) return;
    const { refuse, isPlain } = service.layout;
    await send(
      (request, response) =>
        isPlain(request) ? service.accept(request, response) : refuse(request, response),
      sending,
    );
    const plain = received().find(isPlain);
    expect(plain).toBeDefined();
    if (plain) expect(await service.temptations(plain)).toEqual([]);
  });
}
