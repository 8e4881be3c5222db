// What a deployment writes down follows what its templates follow.
import { describe, expect, it } from 'vitest';
import { dataSettingsParameter, settingsParameter } from '../../adapters/aws/deployment.ts';
import { parseDeploymentRecord } from '../../lib/deployment-record.ts';
import { valueText } from './policy-text.ts';
import { resources, type SynthOptions, synthExample, type Templates } from './synth.ts';

const WRITTEN = [settingsParameter('bartizan'), dataSettingsParameter('bartizan')];

function remembered(templates: Templates, name: string) {
  const found = resources(templates, 'AWS::SSM::Parameter').find(
    ({ Properties }) => Properties.Name === name,
  );
  return parseDeploymentRecord(valueText(found?.Properties.Value), name);
}

/** Templates as text, but for what is written down. */
function rest(templates: Templates): string {
  return JSON.stringify(
    Object.values(templates).map((template) => {
      const { Resources = {}, ...other } = template.toJSON() as { Resources?: Record<string, unknown> };
      const kept = Object.entries(Resources).filter(
        ([, resource]) =>
          !WRITTEN.includes((resource as { Properties?: { Name?: string } }).Properties?.Name ?? ''),
      );
      return { ...other, Resources: Object.fromEntries(kept) };
    }),
  );
}

const example = synthExample();

describe('what is written down', () => {
  it('is the same in the stack of the pipeline and in that of the data, which outlives it', () => {
    const [pipeline, data] = WRITTEN.map((name) => remembered(example, name));
    expect(data).toEqual(pipeline);
    example.data.hasResourceProperties('AWS::SSM::Parameter', { Name: '/bartizan/deployment/data-settings' });
  });

  it.each<[what: string, options: SynthOptions]>([
    ['a parameter of a channel', { replace: [['/bartizan/slack-token', '/bartizan/other-token']] }],
    ['a parameter of a bastion', { replace: [['/bartizan/ssh-key', '/bartizan/other-key']] }],
    ['a heartbeat', { replace: [['/bartizan/heartbeat', '/bartizan/other-heartbeat']] }],
    ['the interval', { replace: [['every: 1m', 'every: 5m']] }],
    ['another workspace', { replace: [['ws-00000000-0000', 'ws-00000001-0000']] }],
    ['another region of the store', { replace: [['ap-northeast-2', 'eu-west-1']] }],
    [
      'the time-out of the store',
      { replace: [['  type: prometheus\n', '  type: prometheus\n  timeout: 55s\n']] },
    ],
    ['connections to a bastion', { replace: [['user: probe\n', 'user: probe\n    maxConnections: 7\n']] }],
    ['a size of batches', { replace: [['user: probe\n', 'user: probe\n    batchSize: 200\n']] }],
    ['a port', { replace: [['user: probe\n', 'user: probe\n    port: 2222\n']] }],
    ['an address', { replace: [['bastion.example.net', '198.51.100.7']] }],
    ['how long pictures are kept', { replace: [['server:\n', 'server:\n  chartRetention: 90d\n']] }],
    ['an address of our own', { replace: [['server:\n', 'server:\n  publicUrl: https://b.example.net\n']] }],
    [
      'an inventory',
      { replace: [['checks:\n', 'inventory:\n  - { type: ssm, path: /b/clusters }\n\nchecks:\n']] },
    ],
  ])('changes where templates do: %s', (_, options) => {
    const next = synthExample(options);
    const [before, after] = [example, next].map((one) => remembered(one, settingsParameter('bartizan')));
    expect(after?.derivedFrom).not.toBe(before?.derivedFrom);
  });

  it('changes no template by a rule or a route', () => {
    const next = synthExample({ replace: [['name: everything-else', 'name: the-others']] });
    expect(rest(next)).toBe(rest(example));
    expect(remembered(next, settingsParameter('bartizan'))).toEqual(
      remembered(example, settingsParameter('bartizan')),
    );
  });
});
