// A service that does not answer, as the prober treats it: is it the service, its bastion, or are we not allowed to ask?
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { samplesOf } from '../../core/parse/samples.ts';
import { type Certificate, makeCertificate } from '../../test/certificates.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import { flood } from '../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNode, setupProber, until, useBastion } from '../../test/prober-fleet.ts';
import { foundBy, notesOf, serveRaw, serveTls } from '../../test/services.ts';

useBastion();

let server: Certificate;
beforeAll(async () => {
  server = await makeCertificate(['127.0.0.1']);
});

/** One node with `usage` and `api`. */
async function setup(listener: RequestListener, deadlineMs = 500) {
  const port = await serveTls(server, listener);
  const checks = [{ name: 'api', probe: 'apiserver', options: { port } }];
  const deadlines = {
    bastionMs: deadlineMs,
    dialMs: deadlineMs,
    handshakeMs: deadlineMs,
    execMs: deadlineMs,
  };
  const { prober, counters } = await setupProber({ deadlines }, { checks });
  const node = await healthyNode();
  let roundMs = 0;
  const round = async (names: readonly string[] = ['usage', 'api']) => {
    roundMs += 60_000;
    const result = await prober.probe(batchOf([targetOf('n', node)], { checks: names, roundMs }));
    const metrics = samplesOf(result).map(({ metric, labels, value }) =>
      labels.check === undefined ? `${metric} ${value}` : `${metric}{${labels.check}} ${value}`,
    );
    return { ...result, metrics };
  };
  return { port, round, node, counters };
}

const fine: RequestListener = (_, response) => void response.end('ok');

describe('a service that is silent', () => {
  it('while its bastion works is down, and its node is up', async () => {
    const { round } = await setup(() => {});
    const { observations, bastion: hop, metrics } = await round();
    expect(hop).toEqual({ ok: true });
    expect(foundBy(observations, 'api')).toEqual(['apiserver_up 0']);
    expect(notesOf(observations, 'api')).toEqual([expect.stringMatching(/^no answer within/)]);
    expect(metrics).toEqual(expect.arrayContaining(['up 1', 'apiserver_up 0', 'probe_success{api} 1']));
  });

  it.each(['kill', 'freeze'] as const)('as its bastion was lost (%s) is unknown', async (how) => {
    let isLost = false;
    const { round, counters } = await setup((request, response) => {
      if (isLost) bastion[how]();
      else fine(request, response);
    });
    expect((await round()).metrics).toContain('apiserver_up 1');
    const kept = JSON.stringify([...counters]);
    isLost = true;
    const { bastion: hop, metrics, observations } = await round(['api']);
    expect(hop).toMatchObject({ ok: false, failure: { phase: 'bastion' } });
    expect(observations).toEqual([]);
    expect(metrics).toEqual(['bastion_up 0']);
    expect(JSON.stringify([...counters])).toBe(kept);
  });

  it('keeps what its node found before the bastion was lost', async () => {
    let hasUsage = false;
    const { round, node } = await setup(async () => {
      await until(() => node.commands.length > 0);
      hasUsage = true;
      setTimeout(bastion.kill, 100);
    });
    const { metrics } = await round();
    expect(hasUsage).toBe(true);
    expect(metrics).toContain('bastion_up 0');
    expect(metrics.filter((line) => /^(apiserver|probe_success)/.test(line))).toEqual([]);
  });
});

describe('a port that the bastion forbids', () => {
  it('fails its check with the remedy, and nothing else', async () => {
    const { round, port } = await setup(fine);
    bastion.forbid(port);
    const { bastion: hop, observations, metrics } = await round();
    expect(hop).toEqual({ ok: true });
    expect(foundBy(observations, 'api')).toEqual(['failed: forbidden/connect']);
    expect(notesOf(observations, 'api')).toEqual([
      expect.stringMatching(/^the bastion forbids forwarding to 127\.0\.0\.1:\d+: .*permitopen of our key/),
    ]);
    expect(metrics).toEqual(expect.arrayContaining(['up 1', 'bastion_up 1', 'probe_success{api} 0']));
    expect(metrics.filter((line) => line.startsWith('apiserver'))).toEqual([]);
  });
});

it('servers that never answer, drip or flood cost their own checks only, and the round no more than its time', async () => {
  const drip = (socket: Socket) => {
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(timer));
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
  };
  const endless = (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    flood(socket, undefined, 2 ** 28);
  };
  const hostile = [() => {}, drip, endless, (socket: Socket) => socket.destroy()];
  const bad = await Promise.all(hostile.map((behave) => serveRaw(behave)));
  const good = await serveTls(server, fine);
  const checks = [
    ...bad.map((port, i) => ({ name: `bad-${i}`, probe: 'http', options: { port } })),
    { name: 'api', probe: 'apiserver', options: { port: good } },
  ];
  const deadlines = { dialMs: 500, handshakeMs: 500, execMs: 500 };
  const { prober } = await setupProber({ deadlines }, { checks });
  const nodes = await Promise.all(Array.from({ length: 3 }, () => healthyNode()));
  const targets = nodes.map((node, i) => targetOf(`n${i}`, node));
  const startMs = performance.now();
  const names = ['usage', ...checks.map(({ name }) => name)];
  const { bastion: hop, observations } = await prober.probe(batchOf(targets, { checks: names }));
  expect(performance.now() - startMs).toBeLessThan(scaledMs(6_000));
  expect(hop).toEqual({ ok: true });
  for (const { node } of targets) {
    expect(foundBy(observations, 'api', node)).toContain('apiserver_ready 1');
    expect(foundBy(observations, 'usage', node)).toContainEqual(expect.stringMatching(/^load1 /));
    const states = bad.map((_, i) => foundBy(observations, `bad-${i}`, node).at(-1));
    // What floods has answered with 200.
    expect(states).toEqual(['http_up 0', 'http_up 0', 'http_up 1', 'http_up 0']);
  }
});
