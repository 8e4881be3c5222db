// Names under which a deployment stores facts about itself. An account and region may have several deployments.
import { ConfigError } from '../../core/errors.ts';

/** Name of a deployment that was given none. */
export const DEFAULT_NAME = 'bartizan';

/** Names of stacks begin with it, and AWS cuts names of functions at 64 characters. */
const NAME = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;

/** @throws ConfigError that says which names are allowed. `what` names the setting */
export function requireDeploymentName(name: string, what: string): void {
  if (NAME.test(name)) return;
  throw new ConfigError(
    `${what}: a name has 20 characters at most: small letters, digits and \`-\` between them, a letter first`,
  );
}

/** Key of the configuration that people upload, in the bucket. */
export const CONFIG_KEY = 'config/bartizan.yaml';

/** Key of the signatures of scripts beside it. */
export const SIGNATURES_KEY = 'config/signatures.json';

/** What a stack contains. */
export type StackRole = 'Network' | 'Data' | 'History' | 'Pipeline';

export function stackNameOf(name: string, role: StackRole): string {
  return name === DEFAULT_NAME ? `Bartizan${role}` : `Bartizan-${name}-${role}`;
}

/** Each dead-letter queue has a parameter under this path. Without any, nothing is deployed. */
export function deadLettersPath(name: string): string {
  return `${pathOf(name)}/dead-letters`;
}

/** Parameter with the settings of the last deployment. */
export function settingsParameter(name: string): string {
  return `${pathOf(name)}/settings`;
}

/** Parameter with the settings of the data stack, which outlives the pipeline. */
export function dataSettingsParameter(name: string): string {
  return `${pathOf(name)}/data-settings`;
}

/** The way out of the network of our own, as long as its stack stands. */
export function ownNetworkParameter(name: string): string {
  return `${pathOf(name)}/network`;
}

/** Parameter with the name of the table of state. */
export function tableParameter(name: string): string {
  return `${pathOf(name)}/table`;
}

/** A name has a folder of its own, so that a deployment called `dead-letters` cannot be taken for a folder. */
function pathOf(name: string): string {
  return name === DEFAULT_NAME ? '/bartizan/deployment' : `/bartizan/deployments/${name}`;
}
