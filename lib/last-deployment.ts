// Compares a deployment with the one before it: settings that are left out keep their value, and a change that would
// replace the deployment by mistake is a problem.
import { stackNameOf } from '../adapters/aws/deployment.ts';
import { ConfigError } from '../core/errors.ts';
import type { Account } from './account.ts';
import type { DeployedBastion, DeploymentRecord } from './deployment-record.ts';
import { describeSettings, egressGateway, readSettings, type Settings, writeSettings } from './settings.ts';

type Context = (name: string) => unknown;

/** A deployment, as found under its name. */
export interface Deployed {
  bastions: readonly (Pick<DeployedBastion, 'name'> & Partial<DeployedBastion>)[];
  /** Undefined when an older release deployed it, which recorded nothing. */
  remembered: DeploymentRecord | undefined;
  /** Only the stack of the data exists, with its own record: the pipeline was destroyed, or never created. */
  isDataAlone?: true;
}

const DEFAULTS: Readonly<Record<string, string>> = writeSettings(readSettings(() => undefined));
/** Settings that belong together: one is kept only if the other has not changed. */
const PARTNERS: Readonly<Record<string, string>> = { privateSubnetIds: 'vpcId' };
/** The stream follows from the table, and changes when somebody turns it off and on. */
const FOUND_BY_DEPLOY = 'stateStream';

/** Resolves to undefined when nothing is deployed. @throws ConfigError without the permission to read it */
export async function lastDeployment(name: string, account: Account): Promise<Deployed | undefined> {
  try {
    const remembered = await account.remembered(name);
    if (remembered) return { bastions: remembered.bastions, remembered };
    const bastions = await account.deployedBastions(name);
    if (bastions) return { bastions: bastions.map((bastion) => ({ name: bastion })), remembered };
    const outlived = await account.rememberedByData(name);
    return outlived && { bastions: outlived.bastions, remembered: outlived, isDataAlone: true };
  } catch (cause) {
    throw new ConfigError(
      `the deployment \`${name}\` cannot be read, so settings that are left out would lose their values: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Settings that the command leaves out, and that differed from the default in the last deployment. */
export function keptSettings(context: Context, last: Deployed | undefined): Readonly<Record<string, string>> {
  const settings = last?.remembered?.settings ?? {};
  const isLeftOut = (name: string) => context(name) === undefined;
  const kept = Object.entries(settings).filter(([name, value]) => {
    const partner = PARTNERS[name];
    const fits = partner === undefined || isLeftOut(partner) || context(partner) === settings[partner];
    return (
      name in DEFAULTS && name !== FOUND_BY_DEPLOY && isLeftOut(name) && fits && value !== DEFAULTS[name]
    );
  });
  return Object.fromEntries(kept);
}

/** A line with the kept settings, and one for each setting that changes. */
export function settingNotes(
  last: Deployed | undefined,
  kept: Readonly<Record<string, string>>,
  settings: Settings,
): string[] {
  if (last?.remembered === undefined)
    return [
      `${last === undefined ? 'nothing is deployed yet' : 'deployed'} as \`${settings.name}\`; it uses: ${describeSettings(settings)}`,
    ];
  const before = last.remembered.settings;
  const shown = (value: string) => (value === '' ? 'nothing' : value);
  const changed = Object.entries(writeSettings(settings)).filter(
    ([name, value]) => value !== (before[name] ?? DEFAULTS[name]),
  );
  const arguments_ = Object.entries(kept).map(([name, value]) => `-c ${name}=${value}`);
  return [
    ...(last.isDataAlone
      ? ['there is no pipeline; settings that are left out are those of the deployed data']
      : []),
    ...(arguments_.length > 0 ? [`as at the last deployment: ${arguments_.join(' ')}`] : []),
    ...changed.map(
      ([name, value]) => `changed: ${name} is ${shown(value)}, and was ${shown(before[name] ?? '')}`,
    ),
  ];
}

/** Bastions would see another address, and refuse it until their firewalls allow it. */
export function networkProblems(
  last: Deployed | undefined,
  {
    context,
    settings,
    egress,
  }: {
    context: Context;
    settings: Settings;
    /** The egress of the deployment's own network, if that exists, used or not. */
    egress: string | undefined;
  },
): string[] {
  const isOwn = settings.network === undefined && !settings.withoutNetwork;
  // The address is in use, whatever is confirmed.
  if (isOwn && egress !== undefined && egress !== egressGateway(settings))
    return [egressProblem(last, settings)];
  // Without a pipeline no bastion sees an address yet.
  if (last === undefined || last.isDataAlone || settings.confirmed.includes('network')) return [];
  if (last.remembered === undefined) {
    if (context('vpcId') !== undefined) return [];
    return [
      `an older release deployed \`${settings.name}\` and recorded no settings: name its network, \`-c vpcId=… -c privateSubnetIds=…\` or \`-c vpcId=\` for one of its own, and all other settings, once`,
    ];
  }
  const then = last.remembered.settings;
  const before = then.vpcId || then.network || '';
  const now = settings.network?.vpcId ?? (settings.withoutNetwork ? 'none' : '');
  if (
    before === '' &&
    now === '' &&
    ((then.natInstance ?? '') === '') !== (settings.natInstance === undefined)
  ) {
    return [egressProblem(last, settings)];
  }
  if (before === now) return [];
  const own = stackNameOf(settings.name, 'Network');
  const named = (network: string) => (network === 'none' ? 'no network' : network);
  const from = before === '' ? 'a network of its own' : named(before);
  const to = now === '' ? 'one of its own' : named(now);
  const left = now === 'none' || before === 'none' ? '`-c network` and `-c vpcId`' : '`-c vpcId`';
  const how = [
    ...(now === ''
      ? [`\`npx cdk deploy ${own}\` with these arguments makes the network and prints its address`]
      : []),
    'let the new address through the firewalls of the bastions',
    'add `-c confirm=network`',
    ...(before === ''
      ? [
          `an hour later, when functions have left it, \`aws cloudformation delete-stack --stack-name ${own}\` ends the old one and its gateway`,
        ]
      : []),
  ];
  return [
    `${now === 'none' || before === 'none' ? '-c network' : '-c vpcId'}: what is deployed is in ${from}, and this command puts it into ${to}, with another address that bastions see. ` +
      `Leave ${left} out to stay; where it is meant: ${how.join('; ')}`,
  ];
}

/** A network that nothing uses prevents this too: it exists until somebody deletes it. */
function egressProblem(last: Deployed | undefined, { name }: Settings): string {
  const [pipeline, network] = [stackNameOf(name, 'Pipeline'), stackNameOf(name, 'Network')];
  const { vpcId = '', network: setting = '' } = last?.remembered?.settings ?? {};
  const isUsed = last !== undefined && !last.isDataAlone && vpcId === '' && setting === '';
  const end = isUsed
    ? `npx cdk destroy ${pipeline} ${network} -c config=…`
    : `aws cloudformation delete-stack --stack-name ${network}`;
  return (
    `-c natInstance: a NAT gateway and a NAT instance cannot take turns at one address while both are there. Stay with what ${network} ` +
    `has; where the change is meant, \`${end}\`, deploy with \`-c confirm=network\`, and let the new address through the firewalls of the bastions`
  );
}
