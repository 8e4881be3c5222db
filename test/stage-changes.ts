// A world of stages whose configuration changes, in a few words.
import { PermanentError } from '../core/errors.ts';
import { createWorld, MINUTE, START, type World } from './stage-world.ts';

export const channel = (name: string, fallback?: string) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
  ...(fallback !== undefined && { fallback }),
});

/** An answer of a channel. */
export const refuse = async (): Promise<void> => {
  throw new PermanentError('404');
};

/** The same state under another configuration, as after a restart. */
export function restarted(world: World, change: Parameters<typeof createWorld>[0], atMinute: number): World {
  const next = createWorld({ ...change, state: world.state });
  next.time.jumpTo(START + atMinute * MINUTE);
  return next;
}

/** A pass of notify at each of these minutes. */
export async function passes(world: World, minutes: readonly number[]): Promise<void> {
  for (const minute of minutes) {
    await world.goTo(minute);
    await world.notify();
  }
}
