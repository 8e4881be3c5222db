// Commands on state with a configuration for AWS: they find the table of a deployment, and write nothing here by
// mistake.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type AwsWire, refusal, startAwsWire } from '../test/aws-wire.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let wire: AwsWire;
let dir: string;
let printed: Printed;

beforeEach(async () => {
  wire = await startAwsWire();
  vi.stubEnv('AWS_ENDPOINT_URL', String(wire.client.endpoint));
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  dir = mkdtempSync(join(tmpdir(), 'bartizan-deployed-state-'));
  writeFileSync(join(dir, 'b.yaml'), readFileSync('examples/aws/bartizan.yaml'));
  printed = capturePrinted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await wire.close();
  rmSync(dir, { recursive: true });
});

async function bartizan(...args: string[]): Promise<number> {
  process.exitCode = undefined;
  await run(['node', 'bartizan', ...args, '-c', join(dir, 'b.yaml')]);
  return Number(process.exitCode ?? 0);
}

const SILENCE = ['silence', 'add', '-w', 'node=prod-1', '--for', '2h', '--comment', 'swap'];
const COMMANDS = [
  SILENCE,
  ['silence', 'list'],
  ['silence', 'expire', '1f0c2a7b'],
  ['alerts'],
  ['routes', 'test', 'rule=memory', 'node=prod-1'],
];

it.each(COMMANDS.map((args) => [args.slice(0, 2).join(' '), args] as const))(
  '%s without a name is refused with an advice, and leaves no file',
  async (_what, args) => {
    expect(await bartizan(...args)).toBe(1);
    expect(printed.err).toContain('write `--name bartizan`, or what `-c name=…` said');
    expect(existsSync(join(dir, 'data'))).toBe(false);
    expect(wire.asked).toEqual([]);
  },
);

it.each(COMMANDS.map((args) => [args.slice(0, 2).join(' '), args] as const))(
  '%s with a name uses the table of that deployment',
  async (_what, args) => {
    wire.answers.push({ body: { Parameter: { Value: 'Bartizan-seoul-Data-State1' } } });
    await bartizan(...args, '--name', 'seoul');
    const [first, second] = wire.asked;
    expect(first).toEqual({ action: 'GetParameter', body: { Name: '/bartizan/deployments/seoul/table' } });
    expect(JSON.stringify(second?.body)).toContain('Bartizan-seoul-Data-State1');
    expect(existsSync(join(dir, 'data', 'state.db'))).toBe(false);
  },
);

it('a name without a deployment is reported with the region', async () => {
  wire.answers.push(refusal('ParameterNotFound'));
  expect(await bartizan(...SILENCE, '--name', 'bartizan')).toBe(1);
  expect(printed.err).toContain('nothing is deployed as `bartizan` in eu-west-1');
  expect(printed.err).toContain('/bartizan/deployment/table');
});

it('the options name one state: an invalid name, or two of these options, is wrong usage', async () => {
  expect(await bartizan(...SILENCE, '--name', 'Seoul!')).toBe(2);
  expect(await bartizan(...SILENCE, '--name', 'seoul', '--table', 't')).toBe(2);
  expect(await bartizan(...SILENCE, '--local', '--table', 't')).toBe(2);
});

it('--local is for an `up` on this machine with such a configuration', async () => {
  expect(await bartizan(...SILENCE, '--local')).toBe(0);
  expect(await bartizan('silence', 'list', '--local')).toBe(0);
  expect(printed.out).toContain('swap');
  expect(wire.asked).toEqual([]);
});
