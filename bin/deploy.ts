// `npm run deploy -- -c config=FILE [arguments of cdk deploy]`: looks at the account first, then `cdk deploy --all`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../cli/config-file.ts';
import { describeError } from '../core/errors.ts';
import { createAccount } from '../lib/account.ts';
import { readCdkArguments } from '../lib/cdk-arguments.ts';
import { preflight } from '../lib/preflight.ts';
import { readSettings } from '../lib/settings.ts';

const CDK = fileURLToPath(new URL('../node_modules/.bin/cdk', import.meta.url));
const args = process.argv.slice(2);
try {
  const { context, profile, file, qualifier } = readCdkArguments(args, readFileSync('cdk.json', 'utf8'));
  // As CDK takes them; the SDK does not know the second name of the region.
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
  if (process.env.AWS_DEFAULT_REGION) process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION;
  const settings = readSettings(context);
  const { config } = await loadConfig(file);
  const cleared = await preflight({ config, file, settings, qualifier }, await createAccount());
  for (const warning of cleared.warnings) process.stderr.write(`${warning}\n`);
  process.stdout.write(`${file} goes to account ${cleared.account} in ${cleared.region}\n`);
  const cdk = spawn(process.execPath, [CDK, 'deploy', '--all', ...args], { stdio: 'inherit' });
  // A terminal tells both of us of Ctrl-C, and CDK decides; what ends this process alone must not leave CDK behind.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => cdk.kill('SIGTERM'));
  const [status] = (await once(cdk, 'exit')) as [number | null];
  process.exitCode = status ?? 1;
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}
