// Checks the sample store before a deployment: problems that would make it fail, or lose samples.
import { LONGEST_WINDOW_S } from '../adapters/stores/prometheus/workspace.ts';
import { timestream } from '../adapters/stores/timestream/timestream.ts';
import { describeError, RetryableError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Account } from './account.ts';
import { workspaceOf } from './permissions.ts';

export async function timestreamProblems(
  { store }: Config,
  { region, account, warn }: { region: string; account: Account; warn: (text: string) => void },
): Promise<string[]> {
  if (store.type !== 'timestream') return [];
  const options = timestream.options.parse(store.options);
  try {
    await account.timestream(options);
  } catch (error) {
    // The stacks create the table, unless an endpoint means that it belongs to somebody else.
    const isMissing = causeName(error) === 'ResourceNotFoundException';
    if (isMissing && options.endpoint === undefined) return [];
    if (!(error instanceof RetryableError)) throw error;
    if (options.endpoint !== undefined) {
      // An endpoint inside a VPC answers functions, but not this machine.
      warn(`not checked, store.endpoint: ${options.endpoint} does not answer from here`);
      return [];
    }
    return [
      `store.type: Timestream in ${region} does not answer (${messageOf(error)}); where there is none, write \`prometheus\``,
    ];
  }
  return [];
}

/** The stacks create its table in their region, and functions may use only that one. */
export function regionProblems({ store }: Config, region: string): string[] {
  const { region: stores, endpoint } = store.options as { region?: string; endpoint?: string };
  if (store.type !== 'timestream' || endpoint !== undefined || stores === region) return [];
  return [
    `store.region: \`${stores}\` is not the region of the deployment, ${region}; write that, or set AWS_REGION=${stores}`,
  ];
}

/** A short window works, but samples that come too late are missing from the history. */
export async function windowProblems(
  { store }: Config,
  { account, warn }: { account: Account; warn: (text: string) => void },
): Promise<string[]> {
  const workspace = store.type === 'prometheus' ? workspaceOf(store.options) : undefined;
  if (!workspace || workspace.id === '*') return [];
  try {
    const seconds = await account.workspaceWindow(workspace);
    if (seconds === undefined || seconds >= LONGEST_WINDOW_S) return [];
    const { id, region } = workspace;
    warn(
      `store.url: the workspace takes samples that come ${seconds} s late, and could take ${LONGEST_WINDOW_S}; later samples are missing from its history. Run \`aws amp update-workspace-configuration --region ${region} --workspace-id ${id} --out-of-order-time-window-in-seconds ${LONGEST_WINDOW_S}\``,
    );
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    warn(`not checked, how late samples may come for the workspace: ${messageOf(error)}`);
  }
  return [];
}

/** The workspace refuses a request that is signed for another region. */
export function workspaceProblems({ store }: Config): string[] {
  const { sigv4, ...addresses } = store.options as {
    sigv4?: { region: string };
    url?: string;
    writeUrl?: string;
  };
  if (store.type !== 'prometheus' || sigv4 === undefined) return [];
  return (['url', 'writeUrl'] as const).flatMap((field) => {
    const region = /^https:\/\/aps-workspaces\.([a-z0-9-]+)\.amazonaws\./.exec(addresses[field] ?? '')?.[1];
    if (region === undefined || region === sigv4.region) return [];
    return [`store.${field}: the workspace is in ${region}, and \`sigv4.region\` is \`${sigv4.region}\``];
  });
}

/** Messages of typed errors contain those of their causes. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describeError(error);
}

export function causeName(error: unknown): string {
  return ((error as Error).cause as Error | undefined)?.name ?? '';
}
