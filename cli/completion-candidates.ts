// Candidates for completing a command line. Pure: the caller passes the names of the configuration.

import type { Command, Option } from 'commander';
import { METRICS } from '../core/catalogue.ts';
import { ROUTED_LABELS } from '../core/config/matchers.ts';
import { SEVERITIES } from '../core/model/rule.ts';
import { SAMPLE_LABELS } from './arguments.ts';
import { matcherArgument } from './silence-draft.ts';

/** The names in a configuration. */
export interface KnownNames {
  clusters: readonly string[];
  /** The values of `cluster`, `node` and `role`. */
  nodes: readonly { cluster: string; name: string; role: string }[];
  bastions: readonly string[];
  channels: readonly string[];
  rules: readonly string[];
  /** Names of the catalogue. */
  commands: readonly string[];
}

export interface Candidate {
  value: string;
  about: string;
  /** The argument continues, so the shell adds no space after it. */
  open?: true;
}

/** The candidates for the last argument, or `files` when it is a file name. */
export type Completion = { files: true } | { candidates: readonly Candidate[] };

const FILES: Completion = { files: true };
const LASTS = ['15m', '1h', '6h', '1d', '7d'];
const FORS = ['30m', '2h', '8h', '1d'];

/** @param typed the arguments after the name of the program; the last one is completed, and may be empty */
export function completeLine(
  program: Command,
  typed: readonly string[],
  names: () => Promise<KnownNames>,
): Promise<Completion> {
  const current = typed.at(-1) ?? '';
  let command = program;
  let awaited: Option | undefined;
  let literal = false;
  const given: string[] = [];
  for (const token of typed.slice(0, -1)) {
    if (awaited) awaited = undefined;
    else if (token === '--') literal = true;
    else if (!literal && token.startsWith('-')) {
      const option = findOption(command, token);
      if (option && takesValue(option)) awaited = option;
    } else {
      const sub = given.length === 0 ? command.commands.find((one) => one.name() === token) : undefined;
      if (sub) command = sub;
      else given.push(token);
    }
  }
  return complete(command, { current, awaited, literal, given }, names);
}

async function complete(
  command: Command,
  token: { current: string; awaited: Option | undefined; literal: boolean; given: readonly string[] },
  names: () => Promise<KnownNames>,
): Promise<Completion> {
  const { current, awaited, literal, given } = token;
  if (awaited) return keep(await valuesOf(awaited, current, names), current);
  const [, long = '', start = ''] = /^(--[^=]+)=(.*)$/.exec(literal ? '' : current) ?? [];
  const assigned = long === '' ? undefined : findOption(command, long);
  if (assigned) {
    const values = keep(await valuesOf(assigned, start, names), start);
    if ('files' in values) return values;
    return { candidates: values.candidates.map((one) => ({ ...one, value: `${long}=${one.value}` })) };
  }
  if (!literal && current.startsWith('-')) return keep(optionsOf(command), current);
  if (command.commands.length > 0)
    return given.every((one) => one === 'help') ? keep(commandsOf(command), current) : plain([]);
  return keep(await argumentsOf(command, { given, current }, names), current);
}

function keep(completion: Completion, current: string): Completion {
  if ('files' in completion) return completion;
  return { candidates: completion.candidates.filter(({ value }) => value.startsWith(current)) };
}

function findOption(command: Command, token: string): Option | undefined {
  return command.options.find((option) => option.short === token || option.long === token);
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function commandsOf(command: Command): Completion {
  const visible = command.createHelp().visibleCommands(command);
  return { candidates: visible.map((one) => ({ value: one.name(), about: one.description() })) };
}

function optionsOf(command: Command): Completion {
  const options = command.createHelp().visibleOptions(command);
  return {
    candidates: options.map((one) => ({ value: one.long ?? one.short ?? '', about: one.description })),
  };
}

/** Some are files; other options have choices, or names of the catalogue and the configuration. */
async function valuesOf(
  option: Option,
  current: string,
  names: () => Promise<KnownNames>,
): Promise<Completion> {
  if (option.argChoices) return plain(option.argChoices);
  switch (option.attributeName()) {
    case 'config':
    case 'against':
    case 'story':
    case 'png':
    case 'file':
    case 'ca':
    case 'socket':
      return FILES;
    case 'node':
      return plain((await names()).nodes.map(({ name }) => name));
    case 'last':
      return plain(LASTS);
    case 'for':
      return plain(FORS);
    case 'where':
      return labelValues(current, await names(), labelsFor(option));
    default:
      return plain([]);
  }
}

/** A silence also matches rule and severity; a query matches only labels of samples. */
function labelsFor({ parseArg }: Option): readonly string[] {
  return parseArg === matcherArgument ? ROUTED_LABELS : SAMPLE_LABELS;
}

/** First `cluster=`, then its values. */
function labelValues(current: string, names: KnownNames, labels: readonly string[]): Completion {
  const at = current.indexOf('=');
  if (at < 0) {
    return { candidates: labels.map((name) => ({ value: `${name}=`, about: '', open: true as const })) };
  }
  const label = current.slice(0, at);
  const known: Readonly<Record<string, readonly string[]>> = {
    cluster: names.clusters,
    node: names.nodes.map(({ name }) => name),
    role: names.nodes.map(({ role }) => role),
    bastion: names.bastions,
    rule: names.rules,
    severity: SEVERITIES,
  };
  return plain([...new Set(known[label] ?? [])].map((value) => `${label}=${value}`));
}

async function argumentsOf(
  command: Command,
  { given, current }: { given: readonly string[]; current: string },
  names: () => Promise<KnownNames>,
): Promise<Completion> {
  const { registeredArguments } = command;
  const argument = registeredArguments[given.length] ?? registeredArguments.at(-1);
  if (!argument || (given.length >= registeredArguments.length && !argument.variadic)) return plain([]);
  if (argument.argChoices) return plain(argument.argChoices);
  switch (argument.name()) {
    case 'file':
    case 'files':
      return FILES;
    case 'metrics':
      return { candidates: METRICS.map(({ name, title }) => ({ value: name, about: title })) };
    case 'channel':
      return plain((await names()).channels);
    case 'rules':
      return plain((await names()).rules);
    case 'labels':
      return labelValues(current, await names(), ROUTED_LABELS);
    case 'node':
      return { candidates: nodeNames(await names()) };
    case 'cluster':
      return plain((await names()).clusters);
    case 'command':
      return plain((await names()).commands);
    case 'names': {
      const known = await names();
      const clusters = known.clusters.map((value) => ({ value, about: 'cluster' }));
      return { candidates: [...clusters, ...nodeNames(known)] };
    }
    default:
      return plain([]);
  }
}

function nodeNames({ nodes }: KnownNames): Candidate[] {
  return nodes.map(({ cluster, name, role }) => ({ value: `${cluster}/${name}`, about: role }));
}

function plain(values: readonly string[]): Completion {
  return { candidates: values.map((value) => ({ value, about: '' })) };
}
