import { stripVTControlCharacters } from 'node:util';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../cli/config-file.ts';
import type { Config } from '../core/model/config.ts';
import type { Transition } from '../core/model/transition.ts';
import type { RoundResult } from '../local/round.ts';
import { createDemoReport } from './demo-report.ts';

let config: Config;
beforeAll(async () => {
  config = (await loadConfig('examples/demo/bartizan.yaml')).config;
});

let reported = '';
const story = () =>
  createDemoReport(config, (text) => {
    reported += stripVTControlCharacters(text);
  });
beforeEach(() => {
  reported = '';
});

const noon = Date.UTC(2026, 0, 2, 12, 0, 0);
const labels = { cluster: 'nks-seoul-1', node: 'seoul-2', role: 'controlplane' };
const transition = (kind: Transition['kind'], more: Partial<Transition> = {}): Transition => ({
  id: kind,
  alertId: 'a',
  rule: 'memory-usage',
  labels,
  kind,
  atMs: noon,
  reason: 'threshold',
  sinceMs: noon - 10_000,
  ...more,
});

function round(memory: Record<string, number>, transitions: Transition[] = []): RoundResult {
  const observations = config.clusters.flatMap(({ name: cluster, nodes }) =>
    nodes.map(({ name: node, ...rest }) => ({
      check: 'usage',
      target: { cluster, node, bastion: 'demo-bastion', ...rest },
      roundMs: noon,
      observedAtMs: noon,
      durationMs: 1,
      result:
        memory[node] === undefined
          ? {
              ok: false as const,
              failure: { reason: 'timeout' as const, phase: 'dial' as const, detail: '' },
            }
          : {
              ok: true as const,
              notes: [],
              samples: [{ metric: 'mem_usage', labels, timeMs: noon, value: memory[node] }],
            },
    })),
  );
  return {
    roundMs: noon,
    targets: observations.length,
    transitions,
    observations: [{ batch: {} as never, bastion: { ok: true }, observations }],
  };
}

it('the report prints the fleet, the rule and the addresses', () => {
  story().begin('http://127.0.0.1:1');
  expect(reported).toContain('probed over SSH every 2s');
  expect(reported).toContain('cluster   한빛-prod: 한빛-api-1, 한빛-etcd-1, 한빛-etcd-2');
  expect(reported).toContain('rule      Memory usage > 90% for 10s');
  expect(reported).toContain('Ctrl-C ends the demo at any time');
});

it('the report prints a round in a line, with each cluster separate and an unknown node as unknown', () => {
  const memory = { 'seoul-1': 49, 'seoul-2': 94.4, 'seoul-3': 7, '한빛-api-1': 60, '한빛-etcd-2': 100 };
  story().round(round(memory));
  expect(reported).toBe(
    '12:00:00  seoul-1 ▄ 49%  seoul-2 █ 94%  seoul-3 ▁  7% │ 한빛-api-1 ▅ 60%  한빛-etcd-1 ·  ?%  한빛-etcd-2 █ 100%\n',
  );
});

it.each([
  [
    transition('pending', { atMs: noon, sinceMs: noon }),
    '● pending   Memory usage of nks-seoul-1 / seoul-2, since 12:00:00; fires when it holds for 10s',
  ],
  [transition('firing'), '✖ firing    Memory usage of nks-seoul-1 / seoul-2, at 12:00:00'],
  [
    transition('resolved', { clearedAtMs: noon - 4_000 }),
    '✔ resolved  Memory usage of nks-seoul-1 / seoul-2, at 12:00:00, clear since 11:59:56',
  ],
  [
    transition('cancelled'),
    '○ cancelled Memory usage of nks-seoul-1 / seoul-2, at 12:00:00: it did not hold',
  ],
])('the report prints a transition: $0.kind', (change, line) => {
  story().round(round({}, [change]));
  expect(reported.split('\n')[1]).toBe(`  ${line}`);
});

it('the report prints the end of the story, the pictures and how to stop the demo', () => {
  story().finished(['out/demo/demo-firing.png']);
  expect(reported).toContain('Ctrl-C ends it.\n  picture   out/demo/demo-firing.png\n');
});

it('the report ends with the pictures, or with the reason why there are none', () => {
  story().end(['out/demo/demo-firing.png'], undefined);
  expect(reported).toBe('\nThe pictures:\n  out/demo/demo-firing.png\n');
  reported = '';
  story().end([], 'stopped by SIGINT');
  expect(reported).toBe('\nThe demo is incomplete: stopped by SIGINT.\n');
});
