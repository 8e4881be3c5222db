import { beforeEach, describe, expect, it } from 'vitest';
import { awsError } from '../adapters/aws/errors.ts';
import { KINDS } from '../adapters/registry.ts';
import { TABLE_DEFINITION } from '../adapters/state/dynamodb/layout.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/model/config.ts';
import { accountWith } from '../test/stacks/account.ts';
import { EXAMPLE, exampleText } from '../test/stacks/synth.ts';
import type { Account } from './account.ts';
import { type DeploymentRecord, deploymentRecord } from './deployment-record.ts';
import { preflight } from './preflight.ts';
import type { TableFacts } from './restored-table.ts';
import { readSettings } from './settings.ts';

const VPC = { vpcId: 'vpc-11111111', privateSubnetIds: 'subnet-11111111,subnet-22222222' };
const VPC_AND_MAIL: Context = { ...VPC, alarmEmail: 'ops@example.net' };
type Context = Record<string, string>;

const config = configOf();
let remembered: Map<string, DeploymentRecord>;
let bastions: string[] | undefined;
let tables: Map<string, TableFacts>;
let account: Account;
beforeEach(() => {
  remembered = new Map();
  bastions = undefined;
  tables = new Map();
  account = accountWith({
    remembered: async (name) => remembered.get(name),
    deployedBastions: async () => bastions,
    stateTable: async (name) => tables.get(name),
  });
});

function configOf(...replace: [string, string][]): Config {
  const parsed = parseConfig(exampleText(replace), { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** As if the stacks had been deployed with these settings. */
function deployed(context: Context, of = config): void {
  const settings = readSettings((name) => context[name]);
  remembered.set(settings.name, { ...deploymentRecord(of, settings), bucket: 'files' });
}

async function clear(context: Context = {}, of = config) {
  const options = { config: of, file: 'my.yaml', qualifier: 'hnb659fds' };
  return preflight({ ...options, context: (name) => context[name] }, account);
}

/** The problems that stop a deployment. */
async function problems(context: Context = {}, of = config): Promise<string[]> {
  const text = await clear(context, of).then(
    () => '',
    (error: Error) => error.message,
  );
  return text.split('\n').slice(1);
}

describe('settings', () => {
  it.each<[what: string, last: Context, now: Context, added: Context, notes: string[]]>([
    ['that were never set have their defaults', {}, {}, {}, []],
    ['that are given are used', VPC, VPC, {}, []],
    [
      'that are left out are kept',
      { ...VPC, shards: '4', alarmEmail: 'ops@example.net' },
      {},
      { ...VPC, shards: '4', alarmEmail: 'ops@example.net' },
      [
        'as at the last deployment: -c vpcId=vpc-11111111 -c privateSubnetIds=subnet-11111111,subnet-22222222 -c shards=4 -c alarmEmail=ops@example.net',
      ],
    ],
    [
      'that change are printed, also when they are now empty',
      { shards: '4', alarmEmail: 'ops@example.net', storeInVpc: 'true' },
      { shards: '2', alarmEmail: '', storeInVpc: 'false' },
      {},
      [
        'changed: storeInVpc is false, and was true',
        'changed: shards is 2, and was 4',
        'changed: alarmEmail is nothing, and was ops@example.net',
      ],
    ],
    [
      'for subnets are kept with their network, and may change within it',
      VPC,
      { vpcId: 'vpc-11111111' },
      { privateSubnetIds: VPC.privateSubnetIds },
      ['as at the last deployment: -c privateSubnetIds=subnet-11111111,subnet-22222222'],
    ],
    [
      'for other subnets of the same network are printed',
      VPC,
      { privateSubnetIds: 'subnet-33333333' },
      { vpcId: 'vpc-11111111' },
      [
        'as at the last deployment: -c vpcId=vpc-11111111',
        'changed: privateSubnetIds is subnet-33333333, and was subnet-11111111,subnet-22222222',
      ],
    ],
  ])('%s', async (_, last, now, added, notes) => {
    deployed(last);
    const cleared = await clear(now);
    expect(cleared.added).toEqual(added);
    expect(cleared.notes).toEqual(notes);
    expect(cleared.settings).toEqual(readSettings((name) => added[name] ?? now[name]));
  });

  it('are all printed when no deployment is recorded', async () => {
    expect((await clear({ alarmEmail: 'ops@example.net' })).notes).toEqual([
      'nothing is deployed yet as `bartizan`; it uses: a network of its own with a NAT gateway, architecture x86_64, ciphers native, storeInVpc false, shards 1, alarmEmail ops@example.net, uploadConfig true',
    ]);
  });

  it('belong to the name of the deployment', async () => {
    deployed({ shards: '4' });
    expect((await clear({ name: 'seoul' })).settings).toMatchObject({ name: 'seoul', shards: 1 });
    deployed({ name: 'seoul', shards: '3' });
    expect((await clear({ name: 'seoul' })).settings.shards).toBe(3);
  });

  it('survive the pipeline in the stack of the data', async () => {
    const there = {
      ...deploymentRecord(
        config,
        readSettings((name) => VPC_AND_MAIL[name]),
      ),
      bucket: 'files',
    };
    account.rememberedByData = async (name) => (name === 'bartizan' ? there : undefined);
    const { settings, notes } = await clear();
    expect(settings).toMatchObject({ alarmEmail: ['ops@example.net'], network: { vpcId: 'vpc-11111111' } });
    expect(notes).toEqual([
      'there is no pipeline; settings that are left out are those of the deployed data',
      expect.stringMatching(/^as at the last deployment: .*-c alarmEmail=ops@example.net$/),
    ]);
    // While there is no pipeline nobody depends on an address.
    expect(await problems({ vpcId: 'vpc-22222222', privateSubnetIds: 'subnet-33333333' })).toEqual([]);
    // The stack of the pipeline shows what is deployed.
    deployed({ alarmEmail: 'new@example.net' });
    expect((await clear()).settings.alarmEmail).toEqual(['new@example.net']);
  });

  it('that this release does not know are kept', async () => {
    deployed({ shards: '4' });
    const there = remembered.get('bartizan');
    if (there) remembered.set('bartizan', { ...there, settings: { ...there.settings, later: 'x' } });
    expect((await clear()).added).toEqual({ shards: '4' });
  });

  it('that the user may not read stop the deployment, instead of getting defaults', async () => {
    account.remembered = async () => {
      throw awsError(
        Object.assign(new Error('no ssm:GetParameter'), { name: 'AccessDeniedException' }),
        'it',
      );
    };
    expect(await problems()).toEqual([
      expect.stringMatching(/the deployment `bartizan` cannot be read, .*: it: AccessDenied.*GetParameter/),
    ]);
  });
});

describe('a change of the network', () => {
  it.each<[what: string, last: Context, now: Context, printed: RegExp[]]>([
    [
      'from its own to an existing one',
      {},
      VPC,
      [
        /is in a network of its own, and this command puts it into vpc-11111111.*-c confirm=network.*delete-stack --stack-name BartizanNetwork/,
      ],
    ],
    [
      'of a name',
      { name: 'seoul' },
      { name: 'seoul', ...VPC },
      [/delete-stack --stack-name Bartizan-seoul-Network/],
    ],
    [
      'from an existing one to its own',
      VPC,
      { vpcId: '' },
      [
        /is in vpc-11111111, and this command puts it into one of its own.*`npx cdk deploy BartizanNetwork`.*confirm=network/,
      ],
    ],
    [
      'from one existing network to another',
      VPC,
      { vpcId: 'vpc-22222222', privateSubnetIds: 'subnet-33333333' },
      [/is in vpc-11111111, and this command puts it into vpc-22222222/],
    ],
    ['left out', VPC, {}, []],
    [
      'from its own to none',
      {},
      { network: 'none' },
      [
        /^ {2}-c network: .* a network of its own, and this command puts it into no network.* Leave `-c network` and `-c vpcId` out to stay/,
      ],
    ],
    ['still in none', { network: 'none' }, {}, []],
    [
      'to an instance in place of the gateway that has the address',
      {},
      { natInstance: 't4g.nano' },
      [
        /-c natInstance: a NAT gateway and a NAT instance cannot take turns .*`npx cdk destroy BartizanPipeline BartizanNetwork -c config=…`/,
      ],
    ],
    ['to an instance of another type', { natInstance: 't4g.nano' }, { natInstance: 't4g.small' }, []],
    ['meant', {}, { ...VPC, confirm: 'network' }, []],
    ['in the other direction, confirmed', VPC, { vpcId: '', confirm: 'network' }, []],
  ])('%s', async (_, last, now, printed) => {
    deployed(last);
    expect(await problems(now)).toEqual(printed.map((line) => expect.stringMatching(line)));
  });

  it('is unknown when an older release recorded nothing, and all settings must be named', async () => {
    bastions = ['seoul'];
    expect(await problems()).toEqual([
      expect.stringMatching(/recorded no settings: name its network, `-c vpcId=…/),
    ]);
    expect(await problems({ vpcId: '' })).toEqual([]);
    expect(await problems(VPC)).toEqual([]);
  });
});

describe('a restored table', () => {
  const stream = 'arn:aws:dynamodb:eu-west-1:123456789012:table/restored/stream/2026';
  const right: TableFacts = {
    keys: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    indexes: TABLE_DEFINITION.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName),
    isActive: true,
    stream,
    expiresBy: 'expiresAt',
    isProtected: true,
    canBeRestored: true,
  };
  const bare = { stream: undefined, expiresBy: undefined, isProtected: false, canBeRestored: false };

  it('is used with its stream, and at the next deployment with the stream that it has then', async () => {
    tables.set('restored', right);
    const { added, settings } = await clear({ stateTable: 'restored' });
    expect(added).toEqual({ stateStream: stream });
    deployed({ stateTable: 'restored', stateStream: stream });
    tables.set('restored', { ...right, stream: `${stream}-later` });
    const next = await clear();
    expect(settings.restored?.stream).toBe(stream);
    expect(next.settings.restored).toEqual({ table: 'restored', stream: `${stream}-later` });
  });

  it.each<[what: string, facts: TableFacts | undefined, printed: RegExp[]]>([
    ['is not there', undefined, [/there is no such table here/]],
    ['is not ready', { ...right, isActive: false }, [/still being restored/]],
    ['is something else', { ...right, keys: [] }, [/not have the keys and indexes of our state/]],
    ['lacks an index', { ...right, indexes: right.indexes.slice(1) }, [/restore it with all its indexes/]],
    [
      'has only what a backup contains',
      { ...right, ...bare },
      [
        /aws dynamodb update-table --table-name restored --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE/,
        /update-time-to-live --table-name restored .*AttributeName=expiresAt/,
        /update-continuous-backups --table-name restored .*PointInTimeRecoveryEnabled=true/,
        /update-table --table-name restored --deletion-protection-enabled/,
      ],
    ],
  ])('that %s is refused with an advice', async (_, facts, printed) => {
    if (facts) tables.set('restored', facts);
    expect(await problems({ stateTable: 'restored' })).toEqual(
      printed.map((line) => expect.stringMatching(line)),
    );
  });
});
