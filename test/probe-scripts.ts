import type { PROBES } from '../adapters/probes/registry.ts';
import type { Script } from '../adapters/ssh/command.ts';

/** The scripts of a check without options; of a kind that needs some, none. */
export function scriptsWithoutOptions({ options, scriptsFor }: (typeof PROBES)[number]): readonly Script[] {
  const read = options.safeParse({});
  return read.success ? scriptsFor(read.data as Readonly<Record<string, unknown>>) : [];
}
