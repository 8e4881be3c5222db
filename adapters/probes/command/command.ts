import { z } from 'zod';
import { metricsOfProbe } from '../../../core/catalogue.ts';
import { nameSchema } from '../../../core/config/rule-fields.ts';
import { type Issue, wholeCheck } from '../../../core/config/whole-check.ts';
import type { CommandConfig } from '../../../core/model/command.ts';
import { type CommandResult, parseCommandOutput } from '../../../core/parse/command-output.ts';
import type { AdapterDescriptor, ProbeDescriptor } from '../../../core/registry.ts';
import { quote, seconds } from '../../ssh/failure.ts';
import { patternsSchema, readJsonValues, readPatterns, valuesSchema } from '../answer-values.ts';
import type { Finding, NodeHandle, Probe } from '../probe.ts';
import { reading } from '../service-probe.ts';
import { commandScript, TIMEOUT_CODES, waitMs } from './script.ts';

const optionsSchema = z
  .strictObject({
    command: nameSchema.describe('Name of an entry of `commands`, which runs in the session of the node'),
    exit: z
      .array(z.int().min(0).max(255))
      .min(1)
      .describe('Expected exit codes; with any other `command_ok` is 0')
      .default([0]),
    values: valuesSchema.describe(
      'Numbers in output that is JSON, by the name that they get as `check_value`: `{ lag: "$.raft.lag" }`. `true` is 1, `false` 0',
    ),
    patterns: patternsSchema.describe(
      'Numbers in lines of the output, by name: regular expressions (RE2) such as `^lag: ([0-9]+)`. Of the first line that matches, the first parentheses are the value. The first 16 KiB of output and 1,024 characters of a line are read',
    ),
  })
  .superRefine(...wholeCheck<Partial<Record<'values' | 'patterns', unknown>>>(checkNames));

function checkNames(
  { values, patterns }: Partial<Record<'values' | 'patterns', unknown>>,
  issue: Issue,
): void {
  const taken = Object.keys(values ?? {});
  const twice = Object.keys(patterns ?? {}).find((name) => taken.includes(name));
  if (twice !== undefined) issue(['patterns', twice], 'a value is called so already; give it another name');
}

/** With the entry of the catalogue, which `checkOptions` adds. */
type CommandOptions = z.output<typeof optionsSchema> & { entry: CommandConfig };
// They come from the schema.
const typed = (options: unknown) => options as CommandOptions;

/** Runs a script that the operator wrote, and takes its exit code and numbers from its output. */
export const command: AdapterDescriptor & ProbeDescriptor & Probe = {
  type: 'command',
  title: 'A script of the catalogue: exit code and numbers in its output',
  options: optionsSchema,
  metrics: metricsOfProbe('command'),
  catalogue: [],
  commandOf: (options) => typed(options).command,
  scriptsFor: (options) => [commandScript(typed(options).entry)],
  endpointsFor: () => [],
  logsIn: () => true,
  observe: (node, { name, options }) => observe(node, name, typed(options)),
};

async function observe(node: NodeHandle, check: string, options: CommandOptions): Promise<Finding> {
  const { entry, exit, values, patterns } = options;
  const labels = { check };
  const limits = { timeoutMs: waitMs(entry), maxBytes: entry.maxOutputBytes };
  const { parsed, login, output } = await node.run(commandScript(entry), parseCommandOutput, limits);
  const { stdout, exitCode } = parsed;
  const what = { what: 'the output', labels };
  const found = [
    readJsonValues(stdout, { ...what, values }),
    await readPatterns(stdout, { ...what, patterns }),
  ];
  const isExpected = exit.includes(exitCode);
  const stderr = output.complaint === '' ? [] : [`stderr: ${output.complaint}`];
  return {
    readings: [
      reading('command_ok', isExpected ? 1 : 0, labels),
      reading('command_exit', exitCode, labels),
      ...found.flatMap(({ readings }) => readings),
    ],
    notes: [
      ...(isExpected ? [] : [explainExit(parsed, options)]),
      ...stderr,
      ...found.flatMap(({ notes }) => notes),
    ],
    isPartial: found.some(({ notes }) => notes.length > 0),
    ...(!login && { login: 'unknown' as const }),
  };
}

function explainExit({ exitCode, stdout }: CommandResult, { entry, exit }: CommandOptions): string {
  const shown = quote(stdout);
  const text = `it ended with code ${exitCode}, expected is ${exit.join(' or ')}${shown === '' ? '' : `: ${shown}`}`;
  if (!TIMEOUT_CODES.includes(exitCode)) return text;
  return `${text} (that is what \`timeout\` answers when a script takes longer than ${seconds(entry.timeoutMs)})`;
}
