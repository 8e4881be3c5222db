import { expect, it } from 'vitest';
import { type ChannelHarness, everythingIn } from './channel-harness.ts';
import type { Behaviour } from './channel-service.ts';
import { ENCODINGS, fragmentsOf } from './encodings.ts';

/** When a service or a proxy repeats our request, we must not print a secret from it. */
export function leakTests({ send, verify, secrets, holdsNoSecret }: ChannelHarness): void {
  it.each(Object.entries(ENCODINGS))('prints no part of a secret that is repeated %s', async (_, encode) => {
    const echo = secrets()
      .flatMap(fragmentsOf)
      .map((fragment) => `no ${encode(fragment)} here`)
      .join('\n');
    const halves = secrets().map((secret) => `no: ${encode(secret)}`);
    const answers: Behaviour[] = [
      (__, response) => response.writeHead(400, 'No', { 'x-why': 'x' }).end(echo),
      (__, response) => response.writeHead(500).end(echo),
      (__, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${echo}</p>`),
      (__, response) => response.writeHead(200).end(JSON.stringify({ ok: false, error: echo })),
      (__, response) =>
        response.writeHead(400).end(JSON.stringify({ ok: false, description: echo, id: echo })),
      (__, response) => response.writeHead(200).end(echo),
      (__, response) => response.writeHead(302, { location: encodeURI(`/${echo}`) }).end(),
      ...secrets()
        .flatMap(fragmentsOf)
        .map(
          (fragment): Behaviour =>
            (__, response) =>
              response.writeHead(302, { location: encodeURI(`http://${encode(fragment)}.example/`) }).end(),
        ),
      ...halves.flatMap((half) =>
        [0.5, 0.9].map(
          (share): Behaviour =>
            (__, response) => {
              response.writeHead(400, { 'content-length': half.length + 99 });
              response.write(half.slice(0, Math.floor(half.length * share)), () => response.destroy());
            },
        ),
      ),
    ];
    for (const answer of answers) {
      for (const outcome of [await send(answer), await verify(answer)]) holdsNoSecret(outcome);
    }
    for (const half of halves) {
      const { error } = await send((__, response) => {
        response.writeHead(400, { 'content-length': half.length + 99 });
        response.write(half.slice(0, -4), () => response.destroy());
      });
      expect(everythingIn(error)).not.toContain(half.slice(-12, -4));
    }
  });
}
