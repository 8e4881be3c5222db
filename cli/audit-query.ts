import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../local/clock.ts';
import { momentArgument } from './moment-argument.ts';

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
