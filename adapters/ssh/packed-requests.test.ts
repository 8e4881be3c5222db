import type { Connection, ServerConfig } from 'ssh2';
import { expect, it } from 'vitest';
import { answer, output } from '../../test/node-behaviour.ts';
import { batchOf, detailOf, outcomes, targetOf } from '../../test/prober-fixture.ts';
import { keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { startFakeNode } from '../../test/ssh-fleet.ts';
import { usageScript } from '../probes/usage/usage.ts';

useBastion();

interface Internals {
  _protocol: { _kex: { negotiated: Record<'cs' | 'sc', { compress: string }> } };
}

/** A node that answers, and the compression of each direction of its connections. */
async function node(compress?: string[], rekeys = false) {
  const connections: Connection[] = [];
  const scripts: string[] = [];
  const host = await keep(
    startFakeNode(
      (channel, script, count) => {
        scripts.push(script);
        const done = () => answer(channel, output(count));
        if (rekeys && count === 0) connections.at(-1)?.rekey(done);
        else done();
      },
      {
        meet: (connection) => connections.push(connection),
        ...(compress && { algorithms: { compress } as ServerConfig['algorithms'] }),
      },
    ),
  );
  const packed = () =>
    connections.map((connection) => {
      const { cs, sc } = (connection as unknown as Internals)._protocol._kex.negotiated;
      return [cs.compress, sc.compress];
    });
  return { host, scripts, packed };
}

it.each([
  ['takes it', undefined, ['zlib@openssh.com', 'none']],
  ['does not', ['none'], ['none', 'none']],
  [
    'would rather pack all from the first byte',
    ['zlib', 'zlib@openssh.com', 'none'],
    ['zlib@openssh.com', 'none'],
  ],
])('compresses scripts to a node that %s, but not its answers', async (_what, compress, expected) => {
  const { host, scripts, packed } = await node(compress);
  const { prober } = await setupProber({}, { keep: 'bastion' });
  expect(outcomes(await prober.probe(batchOf([targetOf('n', host)])))).toEqual(['n: ok']);
  expect(packed()).toEqual([expected]);
  // Twice in one session: the second goes behind the first in what is packed.
  expect(scripts).toEqual([usageScript().text, usageScript().text]);
});

it('a new key exchange in between does no harm', async () => {
  const { host, scripts } = await node(undefined, true);
  const { prober } = await setupProber({}, { keep: 'bastion' });
  expect(outcomes(await prober.probe(batchOf([targetOf('n', host)])))).toEqual(['n: ok']);
  expect(scripts).toEqual([usageScript().text, usageScript().text]);
});

it('a node that insists on compressed answers is refused', async () => {
  const { host } = await node(['zlib@openssh.com']);
  const { prober } = await setupProber({}, { keep: 'bastion' });
  const result = await prober.probe(batchOf([targetOf('n', host)]));
  expect(detailOf(result, 'n')).toMatch(/^no common compression: /);
});

it('kept sessions are not compressed', async () => {
  const { host, packed } = await node();
  const { prober } = await setupProber();
  await prober.probe(batchOf([targetOf('n', host)]));
  expect(packed()).toEqual([['none', 'none']]);
});
