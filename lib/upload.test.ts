import { describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/model/config.ts';
import { EXAMPLE, exampleText } from '../test/stacks/synth.ts';
import { deploymentRecord } from './deployment-record.ts';
import { readSettings } from './settings.ts';
import { uploadConfig } from './upload.ts';

type Context = Record<string, string>;
const settingsOf = (context: Context) => readSettings((name) => context[name]);

function configOf(...replace: [string, string][]): Config {
  const parsed = parseConfig(exampleText(replace), { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** As if the stacks were deployed as `bartizan` from the example with these settings. */
async function upload({
  there,
  context = {},
  config = configOf(),
  signatures,
  idle,
}: {
  there: Context;
  context?: Context;
  config?: Config;
  signatures?: string;
  idle?: string;
}) {
  const uploads: string[] = [];
  const written = { ...deploymentRecord(configOf(), settingsOf(there)), bucket: 'files' };
  const account = {
    remembered: async (name: string) => (name === 'bartizan' ? written : undefined),
    upload: async (bucket: string, key: string, text: string) =>
      void uploads.push(`${bucket}/${key}: ${text}`),
  };
  const options = { config, text: 'text', file: 'my.yaml', signatures, settings: settingsOf(context), idle };
  const printed = await uploadConfig(options, account).catch((error: Error) => error.message);
  return { printed, uploads };
}

describe('the configuration', () => {
  it('is uploaded when the stacks were made from it', async () => {
    expect(await upload({ there: { shards: '4' }, context: { shards: '4' } })).toEqual({
      printed: 'my.yaml is uploaded to s3://files/config/bartizan.yaml, and active from the next round on',
      uploads: ['files/config/bartizan.yaml: text'],
    });
  });

  it('comes after the signatures of its scripts', async () => {
    expect((await upload({ there: {}, signatures: '{}' })).uploads).toEqual([
      'files/config/signatures.json: {}',
      'files/config/bartizan.yaml: text',
    ]);
  });

  it.each<[what: string, context: Context, config: Config]>([
    ['other settings', { shards: '2' }, configOf()],
    ['other bastions', {}, configOf(['host: bastion.example.net', 'host: other.example.net'])],
    ['another secret', {}, configOf(['/bartizan/slack-token', '/bartizan/other-token'])],
    ['another interval', {}, configOf(['every: 1m', 'every: 5m'])],
    ['another store', {}, configOf(['ws-00000000', 'ws-00000001'])],
    ['nothing', { name: 'seoul' }, configOf()],
  ])('is not uploaded when the deployment has %s', async (_, context, config) => {
    const { printed, uploads } = await upload({ there: {}, context, config });
    expect(printed).toMatch(/^the stacks are deployed, but my.yaml is not uploaded: .*aws s3 cp my.yaml s3:/);
    expect(uploads).toEqual([]);
  });

  it('is not uploaded when CDK executes nothing, although the deployment is the same', async () => {
    expect(await upload({ there: {}, idle: '--no-execute' })).toEqual({
      printed: 'my.yaml is not uploaded: with `--no-execute` nothing is deployed',
      uploads: [],
    });
  });

  it('is not uploaded when somebody else does it', async () => {
    expect(await upload({ there: {}, context: { uploadConfig: 'false' } })).toEqual({
      printed: 'my.yaml is not uploaded: `-c uploadConfig=false`',
      uploads: [],
    });
  });
});
