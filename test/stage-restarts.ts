// Restarts of the stage fixture under another configuration.
import { PermanentError } from '../core/errors.ts';
import { createStageFixture, MINUTE, START, type StageFixture } from './stage-fixture.ts';

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
export function restarted(
  fixture: StageFixture,
  change: Parameters<typeof createStageFixture>[0],
  atMinute: number,
): StageFixture {
  const next = createStageFixture({ ...change, state: fixture.state });
  next.time.jumpTo(START + atMinute * MINUTE);
  return next;
}

/** A pass of notify at each of these minutes. */
export async function passes(fixture: StageFixture, minutes: readonly number[]): Promise<void> {
  for (const minute of minutes) {
    await fixture.goTo(minute);
    await fixture.notify();
  }
}
