import { expect, it } from 'vitest';
import { publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { recordLoop } from '../../test/bench/loop-record.ts';
import { startThread } from '../../test/hostile/threads.ts';
import { scaledMs, slowness } from '../../test/machine-speed.ts';
import { batchOf, outcomes, readings, targetOf } from '../../test/prober-fixture.ts';
import { keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { CLIENT_KEY } from '../../test/ssh-fleet.ts';

useBastion();

/** In CPU time of our thread, which other work on the machine does not lengthen. */
const MOST_WORK_MS = 100;
const GOOD = ['good-1', 'good-2', 'good-3'];
const DEADLINE_MS = 4_000;

/** The outcome of each kind of `test/hostile/kinds.ts`. */
const OUTCOMES = {
  'a KEXINIT of 34 KB': 'protocol/handshake',
  'a line before SSH, byte by byte': 'protocol/handshake',
  'a million short lines': 'output/exec',
  'a slow drip': 'timeout/handshake',
  'an identification that never ends': 'protocol/handshake',
  banners: 'output/handshake',
  'broken packets': 'protocol/handshake',
  'bytes of output one by one': 'output/exec',
  'channels that it opens': 'output/exec',
  'complaints without end': 'output/exec',
  compression: 'protocol/handshake',
  'debug messages': 'output/exec',
  'everything byte by byte': 'ok',
  'global requests': 'output/exec',
  'group exchange': 'protocol/handshake',
  'host keys': 'output/exec',
  'ignored messages': 'output/exec',
  'lines before SSH': 'output/handshake',
  'new keys without end': 'output/exec',
  'nothing at all': 'timeout/handshake',
  'output without end': 'output/exec',
  'packets of no size': 'output/exec',
  'packets of one byte': 'output/exec',
  'requests for our signature': 'output/handshake',
  'requests of a channel': 'output/exec',
  'the slowest key exchange': 'ok',
  'thousands of names': 'ok',
  'windows one by one': 'output/exec',
};

it('hostile servers block the loop for a moment only, and healthy nodes beside them are observed correctly', async () => {
  const accepts = publicKeyOf(CLIENT_KEY);
  const names = Object.keys(OUTCOMES);
  const [bastion, healthy, hostile] = await Promise.all([
    keep(startThread({ role: 'bastion', accepts, names: [] })),
    keep(startThread({ role: 'healthy', accepts, names: GOOD })),
    keep(startThread({ role: 'hostile', accepts, names })),
  ]);
  const host = bastion.hosts.get('bastion') as { host: string; port: number; hostKey: string };
  const { prober } = await setupProber(
    {
      deadlines: {
        bastionMs: DEADLINE_MS,
        dialMs: DEADLINE_MS,
        handshakeMs: DEADLINE_MS,
        execMs: DEADLINE_MS,
      },
      concurrency: 64,
      maxOutputBytes: 1_048_576,
    },
    { host: { ...host, close: async () => {} } },
  );
  const targets = [...healthy.hosts, ...hostile.hosts].map(([name, node]) => targetOf(name, node));
  // The second round uses the kept sessions, on which some servers have sent all the time.
  for (const round of ['cold', 'warm']) {
    const record = recordLoop();
    const result = await prober.probe(batchOf(targets));
    const { workedMs } = record();
    expect(workedMs, round).toBeLessThan(MOST_WORK_MS);
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(
      [
        ...GOOD.map((name) => `${name}: ok`),
        ...Object.entries(OUTCOMES).map(([name, what]) => `${name}: ${what}`),
      ].sort(),
    );
    for (const { target, durationMs } of result.observations) {
      if (!GOOD.includes(target.node)) continue;
      // The clock of a healthy node is seven seconds ahead.
      expect(Math.abs((readings(result, target.node).clock_offset ?? 0) - 7)).toBeLessThan(0.5 * slowness());
      expect(durationMs).toBeLessThan(scaledMs(DEADLINE_MS / 2));
    }
  }
});
