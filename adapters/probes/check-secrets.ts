import { ConfigError, describeError, RetryableError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { referencesIn, resolveOptions } from '../secrets/option-references.ts';
import { probeError } from '../ssh/failure.ts';
import { type CredentialProblem, credentialProblem } from './credentials.ts';
import type { ConfiguredProbe } from './probe-node.ts';

/** The check with the secrets of its options in place of the references to them. One that is missing fails this check only. */
export async function withSecrets(configured: ConfiguredProbe, secrets: Secrets): Promise<ConfiguredProbe> {
  const { check, probe } = configured;
  if (referencesIn(probe.options, check.options).length === 0) return configured;
  try {
    const options = await resolveOptions(probe.options, check.options, secrets);
    const problem = credentialProblem(options);
    if (problem) throw problemError(problem);
    return { ...configured, check: { ...check, options }, redact: secrets.redact };
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof RetryableError)) throw error;
    const detail = `a secret of the check cannot be used: ${describeError(error)}`;
    return { ...configured, unusable: probeError('config', 'request', detail, { cause: error }) };
  }
}

function problemError({ field, message, advice }: CredentialProblem): ConfigError {
  return new ConfigError(`\`${field}\`: ${message}; ${advice}`);
}

/** @throws ConfigError that names the check whose secret cannot be resolved, or used */
export async function checkSecrets(configured: readonly ConfiguredProbe[], secrets: Secrets): Promise<void> {
  for (const { check, probe } of configured) {
    try {
      const problem = credentialProblem(await resolveOptions(probe.options, check.options, secrets));
      if (problem) throw problemError(problem);
    } catch (cause) {
      throw new ConfigError(`check ${check.name}`, { cause });
    }
  }
}
