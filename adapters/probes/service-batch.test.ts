// A service that does not answer, as the prober treats it: is it the service, its bastion, or are we not allowed to ask?
import type { RequestListener } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { samplesOf } from '../../core/parse/samples.ts';
import { type Certificate, makeCertificate } from '../../test/certificates.ts';
import { batchOf, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNode, setupProber, until, useBastion } from '../../test/prober-fleet.ts';
import { foundBy, notesOf, serveTls } from '../../test/services.ts';

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
