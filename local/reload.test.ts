import { beforeEach, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import type { Alert } from '../core/model/alert.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';
import type { Monitoring } from './monitoring.ts';
import { createReloader, reloadCommand } from './reload.ts';

const config = (changes: object = {}): Config =>
  ({
    rules: [],
    channels: [],
    checks: [],
    store: { type: 'sqlite', path: '/data', options: {} },
    server: { host: '127.0.0.1', port: 1 },
    bastions: [],
    clusters: [],
    commands: [],
    routes: [],
    silences: [],
    ...changes,
  }) as unknown as Config;

let log: string[];
let disk: () => Promise<Config>;
let prepare: (config: Config) => Promise<Monitoring>;
let replaces: (next: Monitoring) => Promise<boolean>;
let current: Monitoring;
let alerts: Alert[];
let removalRefusal: string | undefined;
const faults = createFaults();
const meter = createMeter();
const logger = createRecordingLogger();

function monitoring(of: Config, targets: readonly string[] = ['a']): Monitoring {
  return {
    config: of,
    targets: async () => targets.map((node) => ({ cluster: 'c', node }) as Target),
    async stop() {
      log.push('stopped');
      return undefined;
    },
  } as unknown as Monitoring;
}

const create = () =>
  createReloader({
    load: () => disk(),
    current: () => current,
    prepare: (of) => prepare(of),
    replace: (next) => replaces(next),
    removal: {
      refusal: async ({ isAllowed }) => (isAllowed ? undefined : removalRefusal),
      accept: async ({ targets }) => void log.push(`accepted ${targets.length}`),
    },
    state: { listAlerts: async () => alerts.map((value) => ({ value, version: 1 })) },
    secrets: {
      resolve: async (text) => text,
      redact: (text) => text.replaceAll('geheim', '<secret>'),
      hide() {},
      forget: () => log.push('secrets forgotten'),
    },
    faults,
    logger,
    meter,
  });
const codes = () => faults.findings().warnings.map(({ code }) => code);

beforeEach(() => {
  log = [];
  alerts = [];
  removalRefusal = undefined;
  faults.clear('config-not-in-force');
  logger.lines.length = 0;
  current = monitoring(config());
  disk = async () => config();
  prepare = async (of) => monitoring(of);
  replaces = async (next) => {
    current = next;
    log.push('replaced');
    return true;
  };
});

it('reads secrets again, then the file, and replaces what runs', async () => {
  expect(await create().reload()).toMatchObject({
    kind: 'applied',
    message: expect.stringContaining('nothing in it'),
  });
  expect(log).toEqual(['secrets forgotten', 'accepted 1', 'replaced']);
});

it.each<[string, () => void, string]>([
  [
    'a wrong file',
    () => {
      disk = () => Promise.reject(new ConfigError('bartizan.yaml has 1 error'));
    },
    'bartizan.yaml has 1 error',
  ],
  [
    'another data folder and address',
    () => {
      disk = async () =>
        config({ store: { type: 'sqlite', path: '/x', options: {} }, server: { host: '::1', port: 1 } });
    },
    'store.path, server.listen: a running process cannot change this',
  ],
  [
    'a key that is unusable',
    () => {
      prepare = () => Promise.reject(new ConfigError('bastion b: the key geheim is none'));
    },
    'bastion b: the key <secret> is none',
  ],
])('changes nothing for %s', async (_, arrange, message) => {
  const before = current;
  arrange();
  const { reload } = create();
  expect(await reload()).toEqual({ kind: 'refused', message: expect.stringContaining(message) });
  expect(current).toBe(before);
  expect(codes()).toEqual(['config-not-in-force']);
  expect(faults.findings().warnings[0]?.detail).toContain(message);
  expect(logger.lines.at(-1)).toMatchObject({ level: 'error' });
  disk = async () => config();
  prepare = async (of) => monitoring(of);
  expect((await reload()).kind).toBe('applied');
  expect(codes()).toEqual([]);
});

it('changes nothing for an inventory that cannot be read, and leaves nothing open', async () => {
  prepare = async (of) => ({
    ...monitoring(of),
    targets: () => Promise.reject(new Error('ssm does not answer')),
  });
  expect(await create().reload()).toMatchObject({ kind: 'refused', message: 'ssm does not answer' });
  expect(log).toEqual(['secrets forgotten', 'stopped']);
});

it('reports what would change, and which alerts would end, and starts nothing', async () => {
  current = monitoring(config(), ['a', 'b']);
  alerts = [{ rule: 'gone', labels: { cluster: 'c', node: 'b' }, status: 'firing' } as unknown as Alert];
  const answer = await reloadCommand(create())({ dryRun: true });
  expect(answer).toMatchObject({
    ok: true,
    detail: {
      kind: 'would-apply',
      changes: { nodes: { added: [], removed: ['c/b'], changed: [] }, sections: {}, settings: [] },
      ends: [{ rule: 'gone', labels: { cluster: 'c', node: 'b' }, status: 'firing' }],
    },
  });
  expect(log).toEqual(['secrets forgotten', 'stopped']);
  disk = () => Promise.reject(new ConfigError('wrong'));
  expect(await reloadCommand(create())({ dryRun: true })).toMatchObject({ ok: false, message: 'wrong' });
  expect(codes()).toEqual([]);
});

it('runs one reload at a time', async () => {
  const first = Promise.withResolvers<Config>();
  let reads = 0;
  disk = () => {
    reads++;
    return reads === 1 ? first.promise : Promise.resolve(config());
  };
  const { reload } = create();
  const both = [reload(), reload()];
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads).toBe(1);
  first.reject(new ConfigError('half a file'));
  expect((await Promise.all(both)).map(({ kind }) => kind)).toEqual(['refused', 'applied']);
});

it('starts nothing when the process stops meanwhile', async () => {
  replaces = async () => false;
  expect(await create().reload()).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('stops'),
  });
  expect(log).toEqual(['secrets forgotten', 'accepted 1', 'stopped']);
});

it('removes many nodes only if that is allowed', async () => {
  removalRefusal = '9 of 10 nodes would go';
  const { reload } = create();
  expect(await reload({ dryRun: true })).toMatchObject({ kind: 'refused', changes: {}, ends: [] });
  expect(codes()).toEqual([]);
  expect(await reload()).toMatchObject({ kind: 'refused', message: removalRefusal });
  expect(codes()).toEqual(['config-not-in-force']);
  expect(log).not.toContain('replaced');
  expect((await reload({ allowRemoval: true })).kind).toBe('applied');
});

it('reports what a watcher finds, and keeps the reason of a refusal', async () => {
  const { reload, noteChange } = create();
  noteChange('it has changed');
  expect(faults.findings().warnings).toEqual([{ code: 'config-not-in-force', words: 'it has changed' }]);
  expect(meter.text()).toContain('bartizan_config_in_force 0');
  noteChange(undefined);
  expect(codes()).toEqual([]);
  expect(meter.text()).toContain('bartizan_config_in_force 1');
  disk = () => Promise.reject(new ConfigError('wrong'));
  await reload();
  noteChange('it has changed');
  expect(faults.findings().warnings[0]?.detail).toBe('wrong');
});

it('refuses a request that it does not understand', async () => {
  expect(await reloadCommand(create())({ all: true })).toMatchObject({ ok: false });
  expect(log).toEqual([]);
});
