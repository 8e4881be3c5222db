// The resources of a deployment with so many bastions, from `cdk synth` without bundles.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { defineStacks } from '../../lib/stacks.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/aws/bartizan.yaml');

export interface Deployed {
  /** The memory of the functions, by stage. */
  memoryMb: ReadonlyMap<string, number>;
  alarms: number;
  dashboards: number;
  /** Queues that a function reads. */
  queues: { standard: number; fifo: number };
}

export function deployed({ bastions }: { bastions: number }): Deployed {
  const outdir = mkdtempSync(join(tmpdir(), 'bartizan-template-'));
  try {
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } });
    const text = readFileSync(EXAMPLE, 'utf8');
    const parsed = parseConfig(text, { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const [first] = parsed.config.bastions;
    if (!first) throw new Error('the example has no bastion');
    const others = Array.from({ length: bastions - 1 }, (_, i) => ({ ...first, name: `b${i + 2}` }));
    const config = { ...parsed.config, bastions: [first, ...others] };
    const { data, history, pipeline } = defineStacks(app, { file: EXAMPLE, config });
    const templates = [data.stack, history.stack, pipeline.stack].map((stack) => Template.fromStack(stack));
    const all = (type: string) =>
      templates.flatMap((template) => Object.values(template.findResources(type)));
    const functions = all('AWS::Lambda::Function').map(({ Properties }) => Properties);
    const stages = functions.filter(({ Environment }) => Environment?.Variables?.POWERTOOLS_SERVICE_NAME);
    const queues = all('AWS::SQS::Queue').filter(({ Properties }) => Properties.RedrivePolicy);
    const fifo = queues.filter(({ Properties }) => Properties.FifoQueue).length;
    return {
      memoryMb: new Map(
        stages.map(({ Environment, MemorySize }) => [
          String(Environment.Variables.POWERTOOLS_SERVICE_NAME),
          Number(MemorySize),
        ]),
      ),
      alarms: all('AWS::CloudWatch::Alarm').length,
      dashboards: all('AWS::CloudWatch::Dashboard').length,
      queues: { standard: queues.length - fifo, fifo },
    };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
