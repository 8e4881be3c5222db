// The names of a deployment's resources. A deployment without a name has those of older releases.
import { Lazy } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { DEFAULT_NAME, type StackRole, stackNameOf } from '../adapters/aws/deployment.ts';
import { readName } from './settings.ts';

/** The name of the deployment that the construct belongs to. @throws ConfigError for an invalid one */
export function deploymentName(scope: IConstruct): string {
  return readName((name) => scope.node.tryGetContext(name));
}

export function stackName(app: Construct, role: StackRole): string {
  return stackNameOf(deploymentName(app), role);
}

/** The namespace of our metrics, without the suffix of the deployment. */
export const NAMESPACE = Lazy.uncachedString({
  produce({ scope }) {
    const name = deploymentName(scope);
    return name === DEFAULT_NAME ? 'Bartizan' : `Bartizan/${name}`;
  },
});

/** A suffix for titles: ` (NAME)`, and nothing for the deployment without a name. */
export function nameSuffix(scope: IConstruct): string {
  const name = deploymentName(scope);
  return name === DEFAULT_NAME ? '' : ` (${name})`;
}
