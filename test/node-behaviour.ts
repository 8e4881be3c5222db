// Behaviours of nodes in the fake fleet.
import type { Behaviour } from './ssh-fleet.ts';

/** The output of the n-th run of the script, with counters that grow at a steady rate. */
export const output = (n: number, boot = 'boot-aaaa', load = '1.00') =>
  [
    '',
    '@bartizan begin usage 2',
    `boot ${boot.replaceAll(/[^0-9a-f-]/g, '0')}`,
    `uptime ${(1_000 + n * 10).toFixed(2)} 0`,
    `load ${load} 2.00 3.00 1/2 3`,
    `cpu ${n * 500} 0 0 ${n * 500} 0 0 0 0`,
    'cores 1',
    `net eth0 ${n * 10_000} ${n * 1_000}`,
    '@mounts',
    '@blocks',
    '@inodes',
    `clock ${(Date.now() / 1000 + 7).toFixed(3)}`,
    '@bartizan end',
    '',
  ].join('\n');

export const answer = (channel: Parameters<Behaviour>[0], text: string, code = 0) => {
  channel.write(text);
  channel.exit(code);
  channel.end();
};
export const healthy: Behaviour = (channel, _script, count) => answer(channel, output(count));
export const silent: Behaviour = () => {};

/** Writes until it may not, respecting the window of the other side. */
export function flood(
  stream: { write(chunk: Buffer | string): boolean; on(event: string, listener: () => void): unknown },
  count: (bytes: number) => unknown = () => {},
  total = 2 ** 26,
  line = `${'x'.repeat(2_000)}\n`,
): void {
  const chunk = Buffer.from(line.repeat(Math.ceil(32_000 / line.length)));
  let left = total;
  let stopped = false;
  const more = () => {
    while (!stopped && left > 0) {
      left -= chunk.length;
      count(chunk.length);
      if (!stream.write(chunk)) return;
    }
  };
  stream.on('close', () => {
    stopped = true;
  });
  stream.on('error', () => {
    stopped = true;
  });
  stream.on('drain', more);
  more();
}
