// Synthesises the app in memory: without CDK's command line and credentials, and without bundles unless a test asks for
// them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import type { Config } from '../../core/model/config.ts';
import { defineStacks, type Stacks } from '../../lib/stacks.ts';

export const EXAMPLE = 'examples/aws/bartizan.yaml';

// Test files share a process and the synthesised templates.
const out = mkdtempSync(join(tmpdir(), 'bartizan-stacks-'));
process.on('exit', () => rmSync(out, { recursive: true, force: true }));
const synthesised = new Map<string, Templates>();

export interface SynthOptions {
  context?: Record<string, string>;
  /** Bundles the functions, which takes seconds. */
  bundle?: true;
  /** Replaces texts of the example. */
  replace?: readonly [from: string, to: string][];
  /** Changes the parsed configuration. */
  edit?: (config: Config) => Config;
}

/** The text of the example after the replacements. @throws Error when it does not contain a text to replace */
export function exampleText(replace: SynthOptions['replace'] = []): string {
  return replace.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`the example has no ${from}`);
      return text.replaceAll(from, to);
    },
    readFileSync(EXAMPLE, 'utf8'),
  );
}

/** @throws ConfigError as synth does */
export function defineExample({ context, bundle, replace, edit }: SynthOptions = {}): {
  app: App;
  stacks: Stacks;
} {
  const app = new App({
    outdir: mkdtempSync(join(out, 'app-')),
    context: { ...context, 'aws:cdk:bundling-stacks': bundle ? ['**'] : [] },
  });
  const text = exampleText(replace);
  const parsed = parseConfig(text, { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const config = edit ? edit(parsed.config) : parsed.config;
  return { app, stacks: defineStacks(app, { file: EXAMPLE, config }) };
}

export interface Resource {
  id: string;
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the properties of CloudFormation resources have no common type.
  Properties: Record<string, any>;
  DeletionPolicy?: string;
}

export interface Templates {
  network: Template;
  data: Template;
  history: Template;
  pipeline: Template;
}

export function templatesOf({ network, data, history, pipeline }: Stacks): Templates {
  return {
    // With an existing network there is no network stack.
    network: network.stack ? Template.fromStack(network.stack) : Template.fromJSON({}),
    data: Template.fromStack(data.stack),
    history: Template.fromStack(history.stack),
    pipeline: Template.fromStack(pipeline.stack),
  };
}

/** The templates, which all tests share. @throws ConfigError as synth does */
export function synthExample({ edit, ...options }: SynthOptions = {}): Templates {
  // An edit is a function, and has no key for the cache.
  if (edit) return templatesOf(defineExample({ edit, ...options }).stacks);
  const key = JSON.stringify(options);
  const templates = synthesised.get(key) ?? templatesOf(defineExample(options).stacks);
  synthesised.set(key, templates);
  return templates;
}

/** All resources of a type, from all templates. */
export function resources(templates: Templates, type: string): Resource[] {
  return Object.values(templates).flatMap((template: Template) =>
    Object.entries(template.findResources(type)).map(([id, resource]) => ({ id, ...resource }) as Resource),
  );
}
