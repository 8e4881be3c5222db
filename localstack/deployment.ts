// Deploys the pipeline to an emulator of AWS, as `cdk deploy` deploys it to an account.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { CONFIG_KEY, DEFAULT_NAME } from '../adapters/aws/deployment.ts';
import { createAccount } from '../lib/account.ts';
import { machineHere } from '../lib/native-modules.ts';
import { type Emulator, environmentOf } from './emulator.ts';
import { defaultNetwork } from './requests.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const CDK = join(ROOT, 'node_modules/.bin/cdk');
const DEPLOY = join(ROOT, 'bin/deploy.ts');
const SYNTH_LIMIT_MS = 120_000;
const DEPLOY_LIMIT_MS = 180_000;
/**
 * Replaces `cdk bootstrap`, which takes ten seconds: creates the resources that a deployment expects
 * (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html).
 */
const ASSETS_BUCKET = 'cdk-hnb659fds-assets-000000000000-us-east-1';
const BOOTSTRAP_VERSION = ['/cdk-bootstrap/hnb659fds/version', '30'] as const;

export interface Deployment {
  /** How many ms the commands took. */
  synthMs: number;
  deployMs: number;
  /** The bucket with its files. */
  bucket: string;
  /** Uploads another configuration. */
  upload(text: string): Promise<void>;
}

/**
 * Creates the parameters, synthesises, and deploys, which uploads the configuration.
 * @throws Error with the last output of the command
 */
export async function deploy(options: {
  emulator: Emulator;
  /** The file with the configuration. */
  file: string;
  /** The parameters of Systems Manager by name: the secrets in the configuration. */
  parameters: Readonly<Record<string, string>>;
  /** The folder for the templates. */
  outDir: string;
  /** The number of shards. Default: 1. */
  shards?: number;
  /** The name of the deployment. */
  name?: string;
}): Promise<Deployment> {
  const { emulator, file, parameters, outDir, shards = 1, name = DEFAULT_NAME } = options;
  const ssm = new SSMClient(emulator.client);
  const s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  const put = (Name: string, Value: string, Type: 'String' | 'SecureString') =>
    ssm.send(new PutParameterCommand({ Name, Value, Type, Overwrite: true }));
  await s3.send(new CreateBucketCommand({ Bucket: ASSETS_BUCKET }));
  await put(...BOOTSTRAP_VERSION, 'String');
  for (const [name, value] of Object.entries(parameters)) await put(name, value, 'SecureString');

  const env = environmentOf(emulator);
  const node = async (limitMs: number, ...args: string[]): Promise<number> => {
    const startMs = performance.now();
    await run(process.execPath, args, {
      cwd: ROOT,
      env,
      timeout: limitMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    return performance.now() - startMs;
  };
  await rm(outDir, { recursive: true, force: true });
  const { vpcId, privateSubnetIds } = await defaultNetwork(emulator);
  const network = [`vpcId=${vpcId}`, `privateSubnetIds=${privateSubnetIds.join(',')}`];
  const { architecture, ciphers } = machineHere();
  const machine = [`architecture=${architecture}`, `ciphers=${ciphers}`];
  // The processor of this machine, on which the emulator runs functions.
  const local = 'confirm=private';
  const settings = [`config=${file}`, `name=${name}`, `shards=${shards}`, local, ...machine, ...network];
  const context = settings.flatMap((one) => ['-c', one]);
  const synthMs = await node(SYNTH_LIMIT_MS, CDK, 'synth', '-q', '-o', outDir, ...context);
  const how = ['--require-approval', 'never', '--method', 'direct', '--concurrency', '4'];
  const deployMs = await node(DEPLOY_LIMIT_MS, DEPLOY, ...context, '--app', outDir, ...how);

  const account = await createAccount(emulator.client);
  const deployed = await account.remembered(name);
  if (deployed === undefined) throw new Error('the deployment has no record');
  const { bucket } = deployed;
  return { synthMs, deployMs, bucket, upload: (text) => account.upload(bucket, CONFIG_KEY, text) };
}
