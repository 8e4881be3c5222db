import { describe, expect, it } from 'vitest';
import { type Server, signalServer, stopServer } from '../../examples/openssh/fleet.ts';
import { scaledMs } from '../../test/machine-speed.ts';
import {
  fleet,
  node,
  setupProber,
  shell,
  startBastion,
  startNode,
  target,
  until,
  useServers,
} from '../../test/openssh/servers.ts';
import { batchOf, outcomes } from '../../test/prober-fixture.ts';

useServers();

let strikes = 0;

describe('a fault in the middle of a round', () => {
  /** Two nodes that answer at once, and two that take long; the fault comes between. */
  async function strike(fault: (hop: Server) => void) {
    const hop = await startBastion(`hop-${strikes}`);
    const slow = await startNode(`slow-${strikes++}`, { command: `sleep 600; ${shell('sh')}` });
    const { prober, audit } = await setupProber({ deadlines: { bastionMs: 1_000, execMs: 1_500 } }, { hop });
    const targets = [target('a', node), target('b', node), target('c', slow), target('d', slow)];
    const startMs = performance.now();
    const round = prober.probe(batchOf(targets));
    const answered = () =>
      audit.filter(({ target: name, outcome }) => outcome === 'ok' && /[ab]$/.test(name ?? ''));
    await until(() => answered().length === 4);
    // The second run of the quick nodes is over; that of the slow ones has begun.
    fault(hop);
    const result = await round;
    return { result, ms: performance.now() - startMs, prober, targets, hop };
  }

  it('SIGKILL of the bastion: answers stay, the other nodes are unknown', async () => {
    const { result, prober, hop } = await strike((server) => signalServer(server.process, 'SIGKILL'));
    expect(outcomes(result)).toEqual(['a: ok', 'b: ok']);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason: 'protocol', phase: 'bastion' } });
    const again = await prober.probe(batchOf([target('a', node)]));
    expect(again.bastion).toMatchObject({ ok: false, failure: { reason: 'unreachable', phase: 'bastion' } });
    await fleet.start({ name: hop.name, host: hop.host, port: hop.port });
    expect(outcomes(await prober.probe(batchOf([target('a', node)])))).toEqual(['a: ok']);
  });

  it('SIGSTOP of the bastion: detected within the deadlines, and over when it goes on', async () => {
    const { result, ms, prober, hop } = await strike((server) => signalServer(server.process, 'SIGSTOP'));
    expect(outcomes(result)).toEqual(['a: ok', 'b: ok']);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason: 'timeout', phase: 'bastion' } });
    expect(ms).toBeLessThan(scaledMs(6_000));
    signalServer(hop.process, 'SIGCONT');
    expect(outcomes(await prober.probe(batchOf([target('a', node)])))).toEqual(['a: ok']);
  });

  it('SIGSTOP of a node: that node only, until it goes on', async () => {
    const server = await startNode('stopping');
    const { prober } = await setupProber({ deadlines: { dialMs: 700, handshakeMs: 700, execMs: 700 } });
    const targets = [target('a', node), target('stopped', server)];
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: ok']);
    signalServer(server.process, 'SIGSTOP');
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: timeout/handshake']);
    signalServer(server.process, 'SIGCONT');
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: ok']);
  });

  it('SIGKILL of a node between rounds: opened again', async () => {
    const server = await startNode('rebooting');
    const { prober } = await setupProber();
    await prober.probe(batchOf([target('n', server)]));
    await stopServer(server);
    expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: unreachable/dial']);
    await fleet.start({ name: server.name, host: server.host, port: server.port });
    expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: ok']);
  });
});
