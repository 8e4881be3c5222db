import { describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { parseConfig } from '../core/config/parse.ts';
import { accountWith } from '../test/stacks/account.ts';
import { EXAMPLE, exampleText } from '../test/stacks/synth.ts';
import { deploymentRecord } from './deployment-record.ts';
import { preflight } from './preflight.ts';
import { readSettings } from './settings.ts';

type Context = Record<string, string>;
const VPC = { vpcId: 'vpc-11111111', privateSubnetIds: 'subnet-11111111' };

const parsed = parseConfig(exampleText(), { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { config } = parsed;

/** The problems that stop a deployment. */
async function problems(egress: string, last: Context | undefined, now: Context): Promise<string[]> {
  const settings = readSettings((name) => last?.[name]);
  const remembered = last && { ...deploymentRecord(config, settings), bucket: 'files' };
  const account = accountWith({ ownNetwork: async () => egress, remembered: async () => remembered });
  const options = { config, file: 'my.yaml', qualifier: 'hnb659fds' };
  const text = await preflight({ ...options, context: (name) => now[name] }, account).then(
    () => '',
    (error: Error) => error.message,
  );
  return text.split('\n').slice(1);
}

describe('the deployed egress of our own network', () => {
  it.each<[what: string, egress: string, last: Context | undefined, now: Context, printed: RegExp[]]>([
    [
      'prevents another one, whatever is confirmed',
      'NAT gateway',
      {},
      { natInstance: 't4g.nano', confirm: 'network' },
      [/`npx cdk destroy BartizanPipeline BartizanNetwork -c config=…`/],
    ],
    [
      'prevents the return from another network, although nothing uses it',
      'NAT gateway',
      VPC,
      { vpcId: '', natInstance: 't4g.nano', confirm: 'network' },
      [/`aws cloudformation delete-stack --stack-name BartizanNetwork`/],
    ],
    [
      'prevents another one when nothing else is deployed',
      'NAT instance',
      undefined,
      {},
      [/`aws cloudformation delete-stack --stack-name BartizanNetwork`/],
    ],
    ['is the former one', 'NAT gateway', VPC, { vpcId: '', confirm: 'network' }, []],
    [
      'may become an instance of another type',
      'NAT instance',
      { natInstance: 't4g.nano' },
      { natInstance: 't4g.small' },
      [],
    ],
    ['does not matter for another network', 'NAT gateway', VPC, {}, []],
  ])('%s', async (_, egress, last, now, printed) => {
    expect(await problems(egress, last, now)).toEqual(printed.map((line) => expect.stringMatching(line)));
  });
});
