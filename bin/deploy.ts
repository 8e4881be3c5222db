// `npm run deploy -- -c config=FILE [arguments of cdk deploy]` checks the account, runs `cdk deploy --all`, then
// uploads the configuration, which needs the new stacks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../cli/config-file.ts';
import { bundleConfig } from '../core/config/bundle.ts';
import { describeError } from '../core/errors.ts';
import { createAccount } from '../lib/account.ts';
import { contextArguments, readCdkArguments } from '../lib/cdk-arguments.ts';
import { CHECKED, checkedMark } from '../lib/checked.ts';
import { preflight } from '../lib/preflight.ts';
import { signaturesOf, uploadConfig } from '../lib/upload.ts';

const CDK = fileURLToPath(new URL('../node_modules/.bin/cdk', import.meta.url));
const args = process.argv.slice(2);
try {
  const { context, profile, file, qualifier, idle } = readCdkArguments(
    args,
    readFileSync('cdk.json', 'utf8'),
  );
  // CDK uses both names of the region; the SDK does not know the second one.
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
  if (process.env.AWS_DEFAULT_REGION) process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION;
  const { config, source } = await loadConfig(file);
  const text = bundleConfig(source.text, source.included);
  const signatures = await signaturesOf(config);
  const endpoint = process.env.AWS_ENDPOINT_URL;
  const account = await createAccount(endpoint ? { endpoint } : {});
  const { settings, added, ...cleared } = await preflight({ config, file, context, qualifier }, account);
  for (const line of [...cleared.warnings, ...cleared.notes]) process.stderr.write(`${line}\n`);
  process.stdout.write(`${file} will be deployed to account ${cleared.account} in ${cleared.region}\n`);
  const cdk = spawn(
    process.execPath,
    [CDK, 'deploy', '--all', ...args, ...contextArguments({ ...added, [CHECKED]: checkedMark(settings) })],
    {
      stdio: 'inherit',
    },
  );
  // A terminal sends Ctrl-C to both processes, and CDK decides. A signal for only this process must not leave CDK
  // running.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => cdk.kill('SIGTERM'));
  const [status] = (await once(cdk, 'exit')) as [number | null];
  process.exitCode = status ?? 1;
  if (status === 0)
    process.stdout.write(
      `${await uploadConfig({ config, text, file, signatures, settings, idle }, account)}\n`,
    );
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}
