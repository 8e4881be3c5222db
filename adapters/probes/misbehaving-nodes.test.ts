import { describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { answer, flood, output, silent } from '../../test/node-behaviour.ts';
import { batchOf, detailOf, outcomes, readings, targetOf } from '../../test/prober-fixture.ts';
import { healthyNode, keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { startFakeNode, startRawNode } from '../../test/ssh-fleet.ts';

useBastion();

describe('nodes that misbehave neither delay nor spoil the others', () => {
  it('in one round', async () => {
    const deaf = await keep(startRawNode(() => {}));
    const closed = await startRawNode(() => {});
    await closed.close();
    const chatty = await keep(startRawNode((socket) => flood(socket)));
    const web = await keep(startRawNode((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const hangup = await keep(startRawNode((socket) => socket.destroy()));
    const talkative = await keep(startFakeNode((channel) => flood(channel)));
    const frozen = await keep(startFakeNode(silent));
    const refusing = await keep(startFakeNode((channel) => answer(channel, '', 126)));
    const babbling = await keep(startFakeNode((channel) => answer(channel, 'uid=0(root)\n')));
    const unfinished = await keep(startFakeNode((channel) => answer(channel, output(0).slice(0, -30))));
    const broken = await keep(startFakeNode((channel) => channel.close()));
    const foreign = await healthyNode({ accepts: publicKeyOf(newKey()) });
    const good = await Promise.all(
      [1, 2, 3].map(() => healthyNode({ banner: 'Authorised use only!\n'.repeat(50) })),
    );
    const { prober, audit } = await setupProber({ deadlines: { handshakeMs: 700, execMs: 700 } });
    const nodes = {
      deaf,
      closed,
      chatty,
      web,
      hangup,
      talkative,
      frozen,
      refusing,
      babbling,
      unfinished,
      broken,
      foreign,
    };
    const targets = [
      ...Object.entries(nodes).map(([name, node]) => targetOf(name, node)),
      ...good.map((node, i) => targetOf(`good-${i}`, node)),
    ];
    const startMs = performance.now();
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual([
      'babbling: output/exec',
      'broken: protocol/exec',
      'chatty: output/handshake',
      'closed: unreachable/dial',
      'deaf: timeout/handshake',
      'foreign: auth/handshake',
      'frozen: timeout/exec',
      'good-0: ok',
      'good-1: ok',
      'good-2: ok',
      'hangup: protocol/handshake',
      'refusing: command/exec',
      'talkative: output/exec',
      'unfinished: output/exec',
      'web: protocol/handshake',
    ]);
    expect(result.bastion).toEqual({ ok: true });
    expect(detailOf(result, 'refusing')).toBe(
      'the script ended with code 126: its authorized_keys line does not allow our script usage@2 (print it again: `bartizan keys`)',
    );
    expect(detailOf(result, 'talkative')).toBe('cut off after 65536 bytes of output');
    for (const observation of result.observations) {
      if (observation.target.node.startsWith('good'))
        expect(observation.durationMs).toBeLessThan(scaledMs(600));
    }
    // The slowest is cut off by its deadline, and all run at the same time.
    expect(performance.now() - startMs).toBeLessThan(scaledMs(2_000));
    const outcomeOf = (name: string) => audit.find(({ target }) => target === `c/${name}`)?.outcome;
    expect(
      Object.keys(nodes)
        .map((name) => `${name}: ${outcomeOf(name)}`)
        .sort(),
    ).toEqual(
      outcomes(result)
        .filter((line) => !line.startsWith('good'))
        .map((line) => line.split('/')[0]),
    );
  });

  it('nor when a node sends 100 MB: it is cut off early', async () => {
    let sent = 0;
    const node = await keep(
      startFakeNode((channel) => flood(channel, (bytes) => (sent += bytes), 100 * 2 ** 20)),
    );
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf([targetOf('n', node), targetOf('good', await healthyNode())]));
    expect(outcomes(result)).toEqual(['good: ok', 'n: output/exec']);
    // As much as fits into windows and buffers in between.
    expect(sent).toBeLessThan(20 * 2 ** 20);
  });

  it('nor when it floods before any output: greetings and key exchange are limited as well', async () => {
    const node = await keep(startRawNode((socket) => flood(socket, () => {}, 2 ** 27, 'SSH-2.0-x\r\n')));
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(outcomes(result)[0]).toMatch(/^n: (protocol|output)\/handshake$/);
  });

  it('nor when more of them are silent than `concurrency` permits', async () => {
    const deaf = await keep(startRawNode(() => {}));
    const { prober } = await setupProber({ concurrency: 4, deadlines: { handshakeMs: 200 } });
    const targets = Array.from({ length: 12 }, (_, i) => targetOf(`deaf-${i}`, deaf));
    const result = await prober.probe(batchOf([...targets, targetOf('good', await healthyNode())]));
    expect(outcomes(result).filter((line) => line === 'good: ok')).toHaveLength(1);
    expect(outcomes(result).filter((line) => line.endsWith(': timeout/handshake'))).toHaveLength(12);
  });

  it('nor when a node is silent: other observations are reported before its deadline', async () => {
    const [first, second] = [await healthyNode(), await healthyNode()];
    const deaf = await keep(startRawNode(() => {}));
    const { prober } = await setupProber({ deadlines: { handshakeMs: 1_500 } });
    const reported: string[][] = [];
    const targets = [targetOf('deaf', deaf), targetOf('first', first), targetOf('second', second)];
    const result = await prober.probe(batchOf(targets), {
      onNode: (ofNode) => reported.push(ofNode.map(({ target, result: { ok } }) => `${target.node} ${ok}`)),
    });
    expect(reported.slice(0, 2).sort()).toEqual([['first true'], ['second true']]);
    expect(reported[2]).toEqual(['deaf false']);
    expect(outcomes(result)).toEqual(['deaf: timeout/handshake', 'first: ok', 'second: ok']);
  });

  it('and what a profile prints around the output is ignored', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => {
        channel.stderr.write('stty: standard input: Inappropriate ioctl\nmore\n');
        answer(channel, `*** Welcome ***\nprompt> ${output(count)}\nlogout`);
      }),
    );
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(readings(result, 'n')).toMatchObject({ load1: 1, cpu_usage: 50 });
    expect(result.observations[0]?.result).toMatchObject({
      notes: expect.arrayContaining(['stderr: stty: standard input: Inappropriate ioctl']),
    });
  });

  it('and a child that keeps the channel open after the script costs a second, not the whole deadline', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => {
        channel.write(output(count));
        channel.exit(0);
      }),
    );
    const { prober } = await setupProber({ deadlines: { execMs: 8_000 } });
    const startMs = performance.now();
    expect(outcomes(await prober.probe(batchOf([targetOf('n', node)])))).toEqual(['n: ok']);
    expect(performance.now() - startMs).toBeLessThan(scaledMs(4_000));
  });
});
