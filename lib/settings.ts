import { ConfigError } from '../core/errors.ts';

/** What a deployment is told beside the configuration: `-c name=value`, or `context` in cdk.json. */
export interface Settings {
  /** Of the functions. Native ciphers go along where it is that of the machine that bundles. */
  architecture: 'arm64' | 'x86_64';
  /** An existing network instead of one of our own; its private subnets must lead to the bastions and to AWS. */
  network: { vpcId: string; privateSubnetIds: readonly string[] } | undefined;
  /** The functions that speak to the sample store run in the network too: it is private. */
  storeInVpc: boolean;
  /** Parts of the fleet that are judged by themselves. */
  shards: number;
  /** Parameters that clusters from an inventory log in with: names, or all under `/path/*`. */
  loginParameters: readonly string[];
  /** Gets the alarms. */
  alarmEmail: string | undefined;
  /** Whether deploying writes the configuration into the bucket. */
  uploadConfig: boolean;
}

/** @throws ConfigError that names the setting and says what may stand there */
export function readSettings(context: (name: string) => unknown): Settings {
  const text = (name: string) => {
    const value = context(name);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const architecture = text('architecture') ?? 'x86_64';
  if (architecture !== 'arm64' && architecture !== 'x86_64')
    throw new ConfigError(`-c architecture=${architecture}: write \`arm64\` or \`x86_64\``);
  const shards = Number(text('shards') ?? 1);
  if (!Number.isInteger(shards) || shards < 1 || shards > 100)
    throw new ConfigError(`-c shards=${text('shards')}: write a whole number from 1 to 100`);
  return {
    architecture,
    network: networkOf(text('vpcId'), text('privateSubnetIds')),
    storeInVpc: flag('storeInVpc', text('storeInVpc'), false),
    shards,
    loginParameters: listOf(text('loginParameters')),
    alarmEmail: text('alarmEmail'),
    uploadConfig: flag('uploadConfig', text('uploadConfig'), true),
  };
}

function networkOf(vpcId: string | undefined, subnets: string | undefined): Settings['network'] {
  if (vpcId === undefined && subnets === undefined) return undefined;
  const privateSubnetIds = listOf(subnets);
  if (vpcId === undefined || privateSubnetIds.length === 0) {
    throw new ConfigError(
      'an existing network needs both: `-c vpcId=vpc-…` and `-c privateSubnetIds=subnet-…,subnet-…`',
    );
  }
  return { vpcId, privateSubnetIds };
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((part) => part !== '');
}

function flag(name: string, value: string | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false')
    throw new ConfigError(`-c ${name}=${value}: write \`true\` or \`false\``);
  return value === 'true';
}
