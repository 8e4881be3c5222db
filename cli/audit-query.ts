import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuditQuery, AuditRecord } from '../adapters/audit/search.ts';
import { globMatches } from '../core/labels.ts';
import { systemClock } from '../local/clock.ts';
import { momentArgument } from './moment-argument.ts';

/** Which lines of the audit somebody asks for. */
export interface AuditFilter {
  since?: number;
  until?: number;
  node?: readonly string[];
  bastion?: readonly string[];
  actor?: readonly string[];
  kind?: readonly string[];
  outcome?: readonly string[];
}

/** Adds the options of a filter to a command. */
export function withFilter(command: Command): Command {
  const moment = (text: string) => momentArgument(text, systemClock.nowMs());
  return command
    .addOption(
      new Option('--since <time>', 'only later accesses: 7d, 2026-11-30, 2026-11-30T12:00Z').argParser(
        moment,
      ),
    )
    .addOption(new Option('--until <time>', 'only earlier accesses').argParser(moment))
    .addOption(globOption('--node <glob>', 'node, cluster or cluster/node'))
    .addOption(globOption('--bastion <glob>', 'bastion'))
    .addOption(globOption('--actor <glob>', 'actor, or the name given with --as'))
    .addOption(
      globOption(
        '--kind <glob>',
        'probe, trust, check, tunnel, exec, or what was done, such as silence-added',
      ),
    )
    .addOption(globOption('--outcome <glob>', "outcome; '!ok' for all others than ok"));
}

function globOption(flags: string, what: string): Option {
  return new Option(flags, `${what}; may be repeated, and any may match`).argParser(
    (text: string, before: readonly string[] = []) => {
      if (text.trim() === '' || text === '!')
        throw new InvalidArgumentError('An empty glob matches nothing.');
      return [...before, text];
    },
  );
}

/** The query of a filter. Without `since` it reaches back to the first line. */
export function queryOf(filter: AuditFilter): AuditQuery {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  return { fromMs: since, toMs: until, matches: (record) => matches(filter, record) };
}

function matches(filter: AuditFilter, { fields }: AuditRecord): boolean {
  const text = (name: string) => (typeof fields[name] === 'string' ? [fields[name]] : []);
  const [target] = text('target');
  const nodes = target === undefined ? [] : [target, ...target.split('/')];
  return (
    isWanted(filter.node, nodes) &&
    isWanted(filter.bastion, text('bastion')) &&
    isWanted(filter.actor, [...text('actor'), ...text('unverifiedActor')]) &&
    isWanted(filter.kind, [...text('kind'), ...text('action'), ...text('event')]) &&
    isWanted(filter.outcome, text('outcome'))
  );
}

/** Whether one of the globs matches one of the texts; a glob with `!` matches where a text is there and does not match. */
function isWanted(globs: readonly string[] | undefined, texts: readonly string[]): boolean {
  if (globs === undefined) return true;
  return globs.some((glob) =>
    glob.startsWith('!')
      ? texts.length > 0 && texts.every((text) => !globMatches(glob.slice(1), text))
      : texts.some((text) => globMatches(glob, text)),
  );
}
