// Checks that run a script of the catalogue, and the catalogue itself.

import { GROUP_LABELS } from '../catalogue.ts';
import { formatDuration } from '../duration.ts';
import type { CommandConfig } from '../model/command.ts';
import { type AdapterKinds, readOptions } from '../registry.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { type Draft, textOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { labelsOf, unknownLabel } from './matchers.ts';
import { errorAt, type Finding, warningAt } from './problem.ts';

/** The valid entry of the catalogue that a check of this kind with these options, as they are written, runs. */
export function commandOf(
  { commands }: Pick<Draft, 'commands'>,
  kind: AdapterKinds['probes'][number] | undefined,
  written: Readonly<Record<string, unknown>>,
): CommandConfig | undefined {
  const options = kind?.commandOf && readOptions(kind, written);
  const name = options && kind?.commandOf?.(options);
  return commands.find(({ value }) => value !== undefined && value.name === name)?.value;
}

/** Names of commands that are in no catalogue, labels that no node has, and time limits that a bastion's deadline shortens. */
export function* checkCommands(draft: Draft, kinds: AdapterKinds): Generator<Finding> {
  const { commands, checks = [], unreadable } = draft;
  for (const { path, raw } of commands) {
    for (const label of labelsOf(valueAt(raw, 'where')))
      yield* unknownLabel([...path, 'where', label], label, GROUP_LABELS.node);
  }
  const names = commands.flatMap(({ raw }) => textOf(raw, 'name') ?? []);
  const deadlines = draft.bastions.flatMap(({ value }) => (value ? [value.deadlines.execMs] : []));
  for (const { path, raw, value } of checks) {
    const kind = kinds.probes.find(({ type }) => type === textOf(raw, 'probe'));
    const name = kind?.commandOf && textOf(raw, 'command');
    if (name === undefined) continue;
    const at = [...path, 'command'];
    if (!names.includes(name) && !unreadable.has('commands')) {
      const suggestion = choose(name, names, 'there are') ?? 'write it under `commands`';
      yield errorAt(at, `there is no command ${quoted(name)}`, suggestion);
    }
    const timeoutMs = value && commandOf(draft, kind, value.options)?.timeoutMs;
    if (timeoutMs === undefined || deadlines.every((execMs) => execMs > timeoutMs)) continue;
    yield warningAt(
      at,
      `command ${quoted(name)} may take ${formatDuration(timeoutMs)}, and \`deadlines.exec\` of a bastion ends it after ${formatDuration(Math.min(...deadlines))}`,
      'make that deadline longer, or the `timeout` shorter',
    );
  }
}
