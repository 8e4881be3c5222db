// Deploys the pipeline to an emulator of AWS, as `cdk deploy` does it to an account.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Emulator } from './emulator.ts';
import { defaultNetwork } from './requests.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const CDK = join(ROOT, 'node_modules/.bin/cdk');
const DEPLOY = join(ROOT, 'bin/deploy.ts');
const SYNTH_LIMIT_MS = 120_000;
const DEPLOY_LIMIT_MS = 180_000;
/**
 * In place of `cdk bootstrap`, which takes ten seconds: what a deployment looks for of it
 * (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html).
 */
const ASSETS_BUCKET = 'cdk-hnb659fds-assets-000000000000-us-east-1';
const BOOTSTRAP_VERSION = ['/cdk-bootstrap/hnb659fds/version', '30'] as const;
/** Names of buckets begin with those of their stack and resource. */
const FILES_BUCKET = /^bartizandata-files/;

export interface Deployment {
  /** What the commands took, in ms. */
  synthMs: number;
  deployMs: number;
  /** Uploads another configuration. */
  upload(text: string): Promise<void>;
}

/**
 * Puts the parameters in, synthesises, deploys, and uploads the configuration.
 * @throws Error with what the command printed last
 */
export async function deploy(options: {
  emulator: Emulator;
  /** File with the configuration, and its text. */
  file: string;
  text: string;
  /** Of Systems Manager, by name: the secrets that the configuration refers to. */
  parameters: Readonly<Record<string, string>>;
  /** Folder for the templates. */
  outDir: string;
  /** Parts that the fleet is judged in. Default: 1. */
  shards?: number;
}): Promise<Deployment> {
  const { emulator, file, text, parameters, outDir, shards = 1 } = options;
  const ssm = new SSMClient(emulator.client);
  const s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  const put = (Name: string, Value: string, Type: 'String' | 'SecureString') =>
    ssm.send(new PutParameterCommand({ Name, Value, Type, Overwrite: true }));
  await s3.send(new CreateBucketCommand({ Bucket: ASSETS_BUCKET }));
  await put(...BOOTSTRAP_VERSION, 'String');
  for (const [name, value] of Object.entries(parameters)) await put(name, value, 'SecureString');

  const { accessKeyId, secretAccessKey } = emulator.client.credentials;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: emulator.url,
    AWS_REGION: emulator.client.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(emulator.certificate && {
      NODE_EXTRA_CA_CERTS: emulator.certificate,
      AWS_CA_BUNDLE: emulator.certificate,
    }),
  };
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
  const context = [`config=${file}`, 'uploadConfig=false', `shards=${shards}`, ...network].flatMap((one) => [
    '-c',
    one,
  ]);
  const synthMs = await node(SYNTH_LIMIT_MS, CDK, 'synth', '-q', '-o', outDir, ...context);
  const how = ['--require-approval', 'never', '--method', 'direct', '--concurrency', '4'];
  const deployMs = await node(DEPLOY_LIMIT_MS, DEPLOY, ...context, '--app', outDir, ...how);

  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const bucket = Buckets.find(({ Name }) => FILES_BUCKET.test(Name ?? ''))?.Name;
  if (bucket === undefined) throw new Error('the deployment made no bucket');
  const upload = async (body: string) => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'config/bartizan.yaml', Body: body }));
  };
  await upload(text);
  return { synthMs, deployMs, upload };
}
