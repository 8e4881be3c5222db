// The record of a deployment changes when its templates change.
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

/** The templates as text, without the records. */
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

describe('the record of a deployment', () => {
  it('is the same in the stack of the pipeline and in the stack of the data, which stays when the pipeline is deleted', () => {
    const [pipeline, data] = WRITTEN.map((name) => remembered(example, name));
    expect(data).toEqual(pipeline);
    example.data.hasResourceProperties('AWS::SSM::Parameter', { Name: '/bartizan/deployment/data-settings' });
  });

  it.each<[what: string, options: SynthOptions]>([
    ['another parameter of a channel', { replace: [['/bartizan/slack-token', '/bartizan/other-token']] }],
    ['another parameter of a bastion', { replace: [['/bartizan/ssh-key', '/bartizan/other-key']] }],
    ['another heartbeat', { replace: [['/bartizan/heartbeat', '/bartizan/other-heartbeat']] }],
    ['another interval', { replace: [['every: 1m', 'every: 5m']] }],
    ['another workspace', { replace: [['ws-00000000-0000', 'ws-00000001-0000']] }],
    ['another region of the store', { replace: [['ap-northeast-2', 'eu-west-1']] }],
    [
      'another time-out of the store',
      { replace: [['  type: prometheus\n', '  type: prometheus\n  timeout: 55s\n']] },
    ],
    [
      'other connections to a bastion',
      { replace: [['user: probe\n', 'user: probe\n    maxConnections: 7\n']] },
    ],
    ['another size of batches', { replace: [['user: probe\n', 'user: probe\n    batchSize: 200\n']] }],
    ['another port', { replace: [['user: probe\n', 'user: probe\n    port: 2222\n']] }],
    ['another address', { replace: [['bastion.example.net', '198.51.100.7']] }],
    ['another retention of pictures', { replace: [['server:\n', 'server:\n  chartRetention: 90d\n']] }],
    [
      'a public address of ours',
      { replace: [['server:\n', 'server:\n  publicUrl: https://b.example.net\n']] },
    ],
    [
      'an inventory',
      { replace: [['checks:\n', 'inventory:\n  - { type: ssm, path: /b/clusters }\n\nchecks:\n']] },
    ],
  ])('changes when the templates change by %s', (_, options) => {
    const next = synthExample(options);
    const [before, after] = [example, next].map((one) => remembered(one, settingsParameter('bartizan')));
    expect(after?.derivedFrom).not.toBe(before?.derivedFrom);
  });

  it('stays, as the templates do, when only a rule or a route changes', () => {
    const next = synthExample({ replace: [['name: everything-else', 'name: the-others']] });
    expect(rest(next)).toBe(rest(example));
    expect(remembered(next, settingsParameter('bartizan'))).toEqual(
      remembered(example, settingsParameter('bartizan')),
    );
  });
});
