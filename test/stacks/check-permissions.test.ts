import { expect, it } from 'vitest';
import { policyLines } from './policy-text.ts';
import { synthExample } from './synth.ts';

it.each(['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History', 'HistoryIam'])(
  'only probe may read what checks log in to services with: %s',
  (stage) => {
    const check =
      '{ name: api, probe: apiserver, token: "${ssm:/bartizan/reader:2}", ca: "${ssm:/bartizan/ca}" }';
    const templates = synthExample({ replace: [['checks:\n', `checks:\n  - ${check}\n`]] });
    const lines = policyLines(templates, stage).join('\n');
    for (const name of ['reader', 'ca'])
      expect(lines.includes(`parameter/bartizan/${name}`)).toBe(stage === 'Probe');
  },
);
