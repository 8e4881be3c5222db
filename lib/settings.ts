import { z } from 'zod';
import { DEFAULT_NAME, requireDeploymentName } from '../adapters/aws/deployment.ts';
import { ConfigError } from '../core/errors.ts';

/** The settings of a deployment besides the configuration: `-c name=value`, or `context` in cdk.json. */
export interface Settings {
  /** The name of the deployment: each name is a separate deployment. */
  name: string;
  /** The processor of the functions. */
  architecture: 'arm64' | 'x86_64';
  /** SSH's ciphers in compiled code, or in JavaScript, which needs about twice the CPU of probe. */
  ciphers: 'native' | 'javascript';
  /** An existing network instead of our own; its private subnets must have routes to the bastions and to AWS. */
  network: { vpcId: string; privateSubnetIds: readonly string[] } | undefined;
  /** The type of the NAT instance of our own network, in place of a NAT gateway. */
  natInstance: string | undefined;
  /** `probe` connects without a network, from addresses that are not known before. */
  withoutNetwork: boolean;
  /** The functions that use the sample store run in the network too, because the store is private. */
  storeInVpc: boolean;
  /** Further ports that functions in the network may connect to, which the configuration does not name. */
  egressPorts: readonly number[];
  /** The number of shards of the fleet, which are evaluated separately. */
  shards: number;
  /** The parameters with logins of clusters from an inventory: names, or all under `/path/*`. */
  loginParameters: readonly string[];
  /** Objects of the audit are deleted after this many days; undefined: never. */
  auditDays: number | undefined;
  /** The mail addresses that get the alarms. */
  alarmEmail: readonly string[];
  /** Reserved concurrency, and limit, of the public function; undefined: it shares the concurrency of the account. */
  publicConcurrency: number | undefined;
  /** Whether the deployment uploads the configuration to the bucket. */
  uploadConfig: boolean;
  /** A table of state that was restored from a backup, with its stream, instead of the table of the stacks. */
  restored: { table: string; stream: string } | undefined;
  /** Confirmed changes that could be mistakes. */
  confirmed: readonly Confirmation[];
}

const CONFIRMATIONS = ['fleet', 'network', 'private'] as const;
export type Confirmation = (typeof CONFIRMATIONS)[number];
type Context = (name: string) => unknown;

/** The settings that are recorded. A field of `Settings` without a name here is a compile error. */
type Written = Record<
  | Exclude<keyof Settings, 'name' | 'withoutNetwork' | 'restored' | 'confirmed'>
  | 'vpcId'
  | 'privateSubnetIds'
  | 'stateTable'
  | 'stateStream',
  string
>;

/** @throws ConfigError that names the setting and its possible values */
export function readSettings(context: Context): Settings {
  const text = (name: keyof Written) => {
    const value = context(name);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const architecture = text('architecture') ?? 'x86_64';
  if (architecture !== 'arm64' && architecture !== 'x86_64')
    throw new ConfigError(`-c architecture=${architecture}: write \`arm64\` or \`x86_64\``);
  const ciphers = text('ciphers') ?? 'native';
  if (ciphers !== 'native' && ciphers !== 'javascript')
    throw new ConfigError(`-c ciphers=${ciphers}: write \`native\` or \`javascript\``);
  const shards = Number(text('shards') ?? 1);
  if (!Number.isInteger(shards) || shards < 1 || shards > 100)
    throw new ConfigError(`-c shards=${text('shards')}: write a whole number from 1 to 100`);
  const limit = text('publicConcurrency');
  const publicConcurrency = limit === undefined ? undefined : Number(limit);
  if (publicConcurrency !== undefined && !(Number.isInteger(publicConcurrency) && publicConcurrency > 0))
    throw new ConfigError(`-c publicConcurrency=${limit}: write a whole number from 1`);
  const ways = waysOf(text);
  return {
    name: readName(context),
    architecture,
    ciphers,
    ...ways,
    storeInVpc: flag('storeInVpc', text('storeInVpc'), false),
    egressPorts: portsOf(text('egressPorts')),
    shards,
    loginParameters: eachOf(text('loginParameters'), 'loginParameters', LOGIN_PARAMETER),
    auditDays: daysOf('auditDays', text('auditDays')),
    alarmEmail: eachOf(text('alarmEmail'), 'alarmEmail', MAIL),
    publicConcurrency,
    uploadConfig: flag('uploadConfig', text('uploadConfig'), true),
    restored: restoredOf(text('stateTable'), text('stateStream')),
    confirmed: confirmationsOf(context('confirm')),
  };
}

/** The inverse of reading: an empty text is a setting with its default. */
export function writeSettings(settings: Settings): Readonly<Written> {
  const { network, restored } = settings;
  return {
    architecture: settings.architecture,
    ciphers: settings.ciphers,
    vpcId: network?.vpcId ?? '',
    privateSubnetIds: (network?.privateSubnetIds ?? []).join(','),
    natInstance: settings.natInstance ?? '',
    network: settings.withoutNetwork ? 'none' : '',
    storeInVpc: String(settings.storeInVpc),
    egressPorts: settings.egressPorts.join(','),
    shards: String(settings.shards),
    loginParameters: settings.loginParameters.join(','),
    auditDays: String(settings.auditDays ?? ''),
    alarmEmail: settings.alarmEmail.join(','),
    publicConcurrency: String(settings.publicConcurrency ?? ''),
    uploadConfig: String(settings.uploadConfig),
    stateTable: restored?.table ?? '',
    stateStream: restored?.stream ?? '',
  };
}

/** The egress of a network of our own. */
export function egressGateway({
  natInstance,
}: Pick<Settings, 'natInstance'>): 'NAT gateway' | 'NAT instance' {
  return natInstance === undefined ? 'NAT gateway' : 'NAT instance';
}

/** All settings of a deployment, with defaults, for people. */
export function describeSettings(settings: Settings): string {
  const { vpcId, network, natInstance, ...others } = writeSettings(settings);
  const own = `a network of its own with a ${egressGateway(settings)}${natInstance === '' ? '' : ` ${natInstance}`}`;
  const way = network === 'none' ? 'no network' : vpcId === '' ? own : `the network ${vpcId}`;
  const rest = Object.entries(others).flatMap(([name, value]) => (value === '' ? [] : [`${name} ${value}`]));
  return [way, ...rest].join(', ');
}

/** @throws ConfigError */
export function readName(context: Context): string {
  const name = String(context('name') || DEFAULT_NAME);
  requireDeploymentName(name, `-c name=${name}`);
  return name;
}

/** How probe reaches the bastions: one of three settings, or our own network with its NAT gateway. */
function waysOf(
  text: (
    name: 'vpcId' | 'privateSubnetIds' | 'natInstance' | 'network' | 'storeInVpc' | 'egressPorts',
  ) => string | undefined,
): Pick<Settings, 'network' | 'natInstance' | 'withoutNetwork'> {
  const network = networkOf(text('vpcId'), text('privateSubnetIds'));
  const natInstance = text('natInstance');
  if (natInstance !== undefined && !INSTANCE_TYPE.test(natInstance))
    throw new ConfigError(`-c natInstance=${natInstance}: write a type of EC2, such as \`t4g.nano\``);
  const setting = text('network');
  if (setting !== undefined && setting !== 'none')
    throw new ConfigError(`-c network=${setting}: write \`none\`, or leave it out`);
  const withoutNetwork = setting === 'none';
  if ([network, natInstance, setting].filter((way) => way !== undefined).length > 1)
    throw new ConfigError(
      'write one of `-c vpcId=…`, `-c natInstance=…` and `-c network=none`; an empty one, `-c natInstance=`, removes the setting of the last deployment',
    );
  if (withoutNetwork && text('storeInVpc') === 'true')
    throw new ConfigError('`-c network=none` has no network for `-c storeInVpc=true`: leave one out');
  if (withoutNetwork && text('egressPorts') !== undefined)
    throw new ConfigError(
      '`-c network=none` has no firewall that closes ports: leave `-c egressPorts` out; an empty one, `-c egressPorts=`, removes the setting of the last deployment',
    );
  return { network, natInstance, withoutNetwork };
}

function portsOf(value: string | undefined): number[] {
  const items = listOf(value);
  const ports = items.map(Number);
  if (!items.every((setting) => /^\d{1,5}$/.test(setting)) || ports.some((port) => port < 1 || port > 65_535))
    throw new ConfigError(
      `-c egressPorts=${value}: write ports, whole numbers from 1 to 65535, such as \`8428,8443\``,
    );
  return [...new Set(ports)];
}

function daysOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const days = Number(value);
  if (!Number.isInteger(days) || days < 1)
    throw new ConfigError(`-c ${name}=${value}: write a whole number of days, 1 or more`);
  return days;
}

function networkOf(vpcId: string | undefined, subnets: string | undefined): Settings['network'] {
  if (vpcId === undefined && subnets === undefined) return undefined;
  const privateSubnetIds = eachOf(subnets, 'privateSubnetIds', SUBNET);
  if (vpcId === undefined || privateSubnetIds.length === 0) {
    throw new ConfigError(
      'an existing network needs both: `-c vpcId=vpc-…` and `-c privateSubnetIds=subnet-…,subnet-…`',
    );
  }
  const [id = ''] = eachOf(vpcId, 'vpcId', VPC);
  return { vpcId: id, privateSubnetIds };
}

function restoredOf(table: string | undefined, stream: string | undefined): Settings['restored'] {
  if (table === undefined && stream === undefined) return undefined;
  if (table === undefined || !stream?.includes(`:table/${table}/stream/`)) {
    throw new ConfigError(
      'a restored table needs both: `-c stateTable=NAME` and `-c stateStream=ARN` of its stream, which `npm run deploy` finds by itself',
    );
  }
  return { table, stream };
}

function confirmationsOf(value: unknown): Confirmation[] {
  const items = listOf(value === undefined ? undefined : String(value));
  const confirmed = CONFIRMATIONS.filter((setting) => items.includes(setting));
  if (confirmed.length < new Set(items).size)
    throw new ConfigError(
      `-c confirm=${items.join(',')}: write ${CONFIRMATIONS.map((w) => `\`${w}\``).join(', ')}`,
    );
  return confirmed;
}

/** The format of the items of a list: a typing error would fail a stack half-way. */
interface Form {
  test(part: string): boolean;
  format: string;
}

/** https://docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html has both lengths in its examples. */
const VPC: Form = {
  test: (part) => /^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/.test(part),
  format: 'one network, `vpc-` and 8 or 17 hexadecimal digits',
};
const SUBNET: Form = {
  test: (part) => /^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/.test(part),
  format: 'subnets, `subnet-` and 8 or 17 hexadecimal digits each, with commas between them',
};
const MAIL: Form = {
  test: (part) => z.email().safeParse(part).success,
  format: 'addresses such as `ops@example.net`, with commas between them',
};
/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
const LOGIN_PARAMETER: Form = {
  test: (part) => /^([\w.-]+|(\/[\w.-]+)+(\/\*)?)$/.test(part),
  format:
    'parameters such as `/bartizan/keys/one`, or all under a path, `/bartizan/keys/*`, with commas between them',
};
/** https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html */
const INSTANCE_TYPE = /^[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)$/;

/** @throws ConfigError for an invalid item */
function eachOf(text: string | undefined, name: string, form: Form): string[] {
  const parts = [...new Set(listOf(text))];
  const wrong = parts.find((part) => !form.test(part));
  if (wrong !== undefined)
    throw new ConfigError(`-c ${name}=${text}: \`${wrong}\` is not valid; write ${form.format}`);
  return parts;
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function flag(name: string, value: string | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false')
    throw new ConfigError(`-c ${name}=${value}: write \`true\` or \`false\``);
  return value === 'true';
}
