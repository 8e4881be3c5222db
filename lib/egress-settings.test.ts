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

/** Lines of what keeps a deployment from beginning. */
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

describe('the egress of our own network that is deployed', () => {
  it.each<[what: string, egress: string, last: Context | undefined, now: Context, printed: RegExp[]]>([
    [
      'is in the way of another one, whatever is confirmed',
      'NAT gateway',
      {},
      { natInstance: 't4g.nano', confirm: 'network' },
      [/`npx cdk destroy BartizanPipeline BartizanNetwork -c config=…`/],
    ],
    [
      'is in the way on the way back from another network, though nothing uses it',
      'NAT gateway',
      VPC,
      { vpcId: '', natInstance: 't4g.nano', confirm: 'network' },
      [/`aws cloudformation delete-stack --stack-name BartizanNetwork`/],
    ],
    [
      'is in the way where nothing else is there',
      'NAT instance',
      undefined,
      {},
      [/`aws cloudformation delete-stack --stack-name BartizanNetwork`/],
    ],
    ['is that of before', 'NAT gateway', VPC, { vpcId: '', confirm: 'network' }, []],
    [
      'is a machine of another type',
      'NAT instance',
      { natInstance: 't4g.nano' },
      { natInstance: 't4g.small' },
      [],
    ],
    ['is left alone by another network', 'NAT gateway', VPC, {}, []],
  ])('%s', async (_, egress, last, now, printed) => {
    expect(await problems(egress, last, now)).toEqual(printed.map((line) => expect.stringMatching(line)));
  });
});
