import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { Config } from '../../core/model/config.ts';
import type { Counters } from '../../core/ports.ts';
import { createMeter } from '../../local/meter.ts';
import { configOf, configText } from '../../test/config-cases.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { until } from '../../test/until.ts';
import { createFleet } from './fleet.ts';
import type { SourceEntry } from './inventory-adapter.ts';

const config = configOf(configText());

const cluster = (name: string, host = '10.0.2.1', more = '') =>
  `{ name: ${name}, bastion: seoul, ${more} nodes: [{ name: n1, role: etcd, host: ${host} }] }`;

describe('a fleet of the file and of sources', () => {
  let entries: SourceEntry[];
  let down: Error | undefined;
  let nowMs: number;
  let kept: Map<string, unknown>;
  let logger: ReturnType<typeof createRecordingLogger>;
  let meter: ReturnType<typeof createMeter>;
  beforeEach(() => {
    entries = [];
    down = undefined;
    nowMs = 0;
    kept = new Map();
  });

  const source = {
    name: 'list',
    async list() {
      if (down) throw down;
      return entries;
    },
  };
  const counters: Counters = {
    load: async (key) => structuredClone(kept.get(key)),
    save: async (key, value) => void kept.set(key, structuredClone(value)),
  };
  const start = (options: Partial<Parameters<typeof createFleet<Config>>[0]> = {}) => {
    logger = createRecordingLogger();
    meter = createMeter();
    const clock = { nowMs: () => nowMs };
    return createFleet({ config, sources: [source], kept: counters, clock, logger, meter, ...options });
  };
  const namesOf = async (fleet: ReturnType<typeof start>) => {
    nowMs += 60_000;
    const targets = await fleet.list();
    return [...new Set(targets.map((target) => `${target.cluster}@${target.host}`))];
  };
  const FILE = ['prod@10.0.1.11', 'prod@10.0.1.12'];

  it('has an added cluster in the next round, and no removed one', async () => {
    const fleet = start();
    expect(await namesOf(fleet)).toEqual(FILE);
    entries = [{ id: 'a', text: cluster('added') }];
    expect(await namesOf(fleet)).toEqual([...FILE, 'added@10.0.2.1']);
    entries.push({ id: 'b', text: cluster('other') });
    expect(await namesOf(fleet)).toEqual([...FILE, 'added@10.0.2.1', 'other@10.0.2.1']);
    expect(fleet.config.clusters.map(({ name }) => name)).toEqual(['prod', 'added', 'other']);
    expect(fleet.config.clusters[1]?.nodes[0]).toMatchObject({ port: 22, user: 'probe', hostKeys: [] });
    entries.pop();
    expect(await namesOf(fleet)).toEqual([...FILE, 'added@10.0.2.1']);
  });

  it('knows when a source last answered, also after a restart, to five minutes', async () => {
    let fleet = start();
    await namesOf(fleet);
    expect(fleet.answers()).toEqual([{ source: 'list', answeredAtMs: nowMs }]);
    for (let i = 0; i < 4; i++) await namesOf(fleet);
    const answeredAtMs = nowMs;
    down = new RetryableError('away');
    await namesOf(fleet);
    expect(fleet.answers()).toEqual([{ source: 'list', answeredAtMs }]);
    fleet = start();
    await namesOf(fleet);
    const [{ answeredAtMs: known = 0 } = {}] = fleet.answers();
    expect(answeredAtMs - known).toBeGreaterThanOrEqual(0);
    expect(answeredAtMs - known).toBeLessThan(5 * 60_000);
    expect(meter.text()).toContain(
      `bartizan_inventory_answer_age_seconds{source="list"} ${(nowMs - known) / 1000}`,
    );
    kept.delete('inventory-answer list');
    fleet = start();
    await namesOf(fleet);
    expect(fleet.answers()).toEqual([]);
  });

  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `e${i}`, text: cluster(`c${i}`) }));
  const count = async (fleet: ReturnType<typeof start>) => (await namesOf(fleet)).length - FILE.length;

  it('keeps nodes that a source lacks all at once, with those that it has anew, also over a restart', async () => {
    const refused: number[] = [];
    const onRefusedRemovals = (found: readonly unknown[]) => void refused.push(found.length);
    let fleet = start({ onRefusedRemovals });
    entries = many(20);
    expect(await count(fleet)).toBe(20);
    for (const lacking of [[], [...many(10), { id: 'new', text: cluster('new') }]]) {
      entries = lacking;
      expect(await count(fleet)).toBe(lacking.length === 0 ? 20 : 21);
      fleet = start({ onRefusedRemovals });
      expect(await count(fleet)).toBe(lacking.length === 0 ? 20 : 21);
      expect(logger.lines.map(({ fields }) => fields.problem)).toEqual([
        expect.stringMatching(/^\d+ of 2[01] nodes would go within an hour, and /),
      ]);
      expect(meter.total('removals_refused_total')).toBe(1);
    }
    expect(refused).toEqual([0, 1, 1, 1, 1]);
    entries = many(19);
    expect(await count(fleet)).toBe(19);
    expect(refused.at(-1)).toBe(0);
    expect(meter.text()).toContain('bartizan_nodes_kept{source="list"} 0');
  });

  it('reports an entry that a source has twice; the first is used', async () => {
    const fleet = start();
    entries = ['10.0.2.1', '10.0.2.2'].map((host) => ({ id: 'a', text: cluster('a', host) }));
    expect(await namesOf(fleet)).toEqual([...FILE, 'a@10.0.2.1']);
    expect(fleet.problems()).toEqual([
      { source: 'list', entry: 'a', problem: expect.stringContaining('the source has it twice') },
    ]);
  });

  it('without sources reports that none lacks nodes, as those of a former configuration may have', async () => {
    const refused: number[] = [];
    const onRefusedRemovals = (found: readonly unknown[]) => void refused.push(found.length);
    expect(await namesOf(start({ sources: [], onRefusedRemovals }))).toEqual(FILE);
    expect(refused).toEqual([0]);
  });

  it('waits for a slow source at first, and later uses its last entries as long as it is slow', async () => {
    let answer = Promise.withResolvers<SourceEntry[]>();
    const slow = { name: 'slow', list: () => answer.promise };
    const fleet = start({ sources: [slow], patience: async () => {} });
    const first = namesOf(fleet);
    answer.resolve([{ id: 'a', text: cluster('a') }]);
    expect(await first).toEqual([...FILE, 'a@10.0.2.1']);
    answer = Promise.withResolvers();
    expect(await namesOf(fleet)).toEqual([...FILE, 'a@10.0.2.1']);
    answer.resolve([
      { id: 'a', text: cluster('a') },
      { id: 'b', text: cluster('b') },
    ]);
    await until('the answer is in use', () => fleet.config.clusters.length === 3);
  });

  it('lets all go that somebody has allowed, once', async () => {
    entries = many(20);
    await count(start());
    entries = many(5);
    const fleet = start({ isRemovalAllowed: true });
    expect(await count(fleet)).toBe(5);
    entries = [];
    expect(await count(fleet)).toBe(5);
  });

  it('keeps the last good version of a broken entry, reports and counts it once, and keeps the others', async () => {
    const fleet = start();
    entries = ['a', 'b'].map((id) => ({ id, text: cluster(id) }));
    await namesOf(fleet);
    entries = [
      { id: 'a', text: cluster('a', '10.0.2.9', 'rol: x,') },
      { id: 'b', text: cluster('b', '10.0.3.9') },
      { id: 'new', text: 'name: [' },
    ];
    for (let round = 0; round < 2; round++) {
      expect(await namesOf(fleet)).toEqual([...FILE, 'a@10.0.2.1', 'b@10.0.3.9']);
    }
    expect(fleet.problems()).toMatchObject([
      { source: 'list', entry: 'a', problem: expect.stringContaining('unknown key `rol`') },
      { source: 'list', entry: 'new', problem: expect.stringMatching(/^not JSON or YAML/) },
    ]);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(meter.total('inventory_entries_broken_total')).toBe(2);
    expect(meter.text()).toContain('bartizan_inventory_entries_broken{source="list"} 2');
    entries = [{ id: 'a', text: cluster('a', '10.0.2.9') }];
    expect(await namesOf(fleet)).toEqual([...FILE, 'a@10.0.2.9']);
    expect(meter.text()).toContain('bartizan_inventory_entries_broken{source="list"} 0');
  });

  it('reports which entry has a name already; the first keeps it', async () => {
    entries = ['2', '1', '3'].map((id) => ({
      id,
      text: cluster(id === '3' ? 'prod' : 'twin', `10.0.9.${id}`),
    }));
    const fleet = start();
    expect(await namesOf(fleet)).toEqual([...FILE, 'twin@10.0.9.1']);
    expect(fleet.problems().map(({ entry, problem }) => `${entry}: ${problem}`)).toEqual([
      '2: there is a cluster `twin` already, in list, 1; rename one of them',
      '3: there is a cluster `prod` already, in the file; rename one of them',
    ]);
  });

  it.each([
    ['bastion: nowhere, name: x, nodes: [{ name: n, role: etcd, host: h }]', 'there is no bastion `nowhere`'],
    ['name: x, bastion: seoul', '`nodes` is missing'],
    ['name: x, bastion: seoul, nodes: []', '`nodes` is an empty list'],
    ['name: x, bastion: seoul, nodes: [{ name: n, role: boss, host: h }]', 'nodes[0].role: '],
    ['name: x, bastion: seoul, privateKey: hunter2hunter2, nodes: []', 'no secret belongs in this file'],
  ])('reports what is wrong with { %s }', async (text, problem) => {
    entries = [{ id: 'x', text: `{ ${text} }` }];
    const fleet = start();
    expect(await namesOf(fleet)).toEqual(FILE);
    expect(fleet.problems()[0]?.problem).toContain(problem);
    expect(JSON.stringify(logger.lines)).not.toContain('hunter2');
  });

  it('fails while a source was never read, and later continues with its last entries', async () => {
    down = new RetryableError('gone for now');
    const fleet = start();
    await expect(namesOf(fleet)).rejects.toThrow('gone for now');
    down = undefined;
    entries = [{ id: 'a', text: cluster('a') }];
    await namesOf(fleet);
    down = new ConfigError('not allowed any more');
    expect(await namesOf(fleet)).toEqual([...FILE, 'a@10.0.2.1']);
    expect(meter.total('inventory_reads_failed_total')).toBe(2);
  });

  it('knows the last good entries after a restart, though the source is down or an entry is broken', async () => {
    entries = [{ id: 'a', text: cluster('a') }];
    await namesOf(start());
    entries = [{ id: 'a', text: '{}' }];
    await namesOf(start());
    expect(await namesOf(start())).toEqual([...FILE, 'a@10.0.2.1']);
    down = new RetryableError('gone for now');
    expect(await namesOf(start())).toEqual([...FILE, 'a@10.0.2.1']);
  });

  it.each([[5], [null], [['a']], [{ a: 5 }]])('ignores stored entries that are %j', async (text) => {
    kept.set('inventory list', text);
    down = new RetryableError('gone for now');
    await expect(namesOf(start())).rejects.toThrow('gone for now');
    down = undefined;
    entries = [{ id: 'a', text: cluster('a') }];
    expect(await namesOf(start())).toEqual([...FILE, 'a@10.0.2.1']);
  });

  it('accepts no cluster whose key is missing', async () => {
    entries = [{ id: 'a', text: cluster('a') }];
    const fleet = start({
      checkCluster: async () => {
        throw new ConfigError('no such key');
      },
    });
    expect(await namesOf(fleet)).toEqual(FILE);
    expect(fleet.problems()).toEqual([{ source: 'list', entry: 'a', problem: 'no such key' }]);
  });

  it('reads a source once for all concurrent callers, and not again at once', async () => {
    let asked = 0;
    const list = source.list;
    source.list = async () => {
      asked++;
      return list();
    };
    const fleet = start();
    await Promise.all([fleet.list(), fleet.list()]);
    nowMs = 19_999;
    await fleet.list();
    expect(asked).toBe(1);
    nowMs = 20_000;
    await fleet.list();
    expect(asked).toBe(2);
    source.list = list;
  });

  it('shows how old the answer in use is', async () => {
    const fleet = start();
    const ageS = () => Number(/answer_age_seconds\{source="list"\} (\d+)/.exec(meter.text())?.[1]);
    await namesOf(fleet);
    expect(ageS()).toBe(0);
    down = new RetryableError('down');
    await namesOf(fleet);
    await namesOf(fleet);
    expect(ageS()).toBe(120);
    expect(logger.lines.at(-1)).toMatchObject({ fields: { answered: '1970-01-01T00:01:00.000Z' } });
  });
});
