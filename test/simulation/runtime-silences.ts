import type { StateStore } from '../../core/ports.ts';
import { NEVER_ABORTED, type SimulationFixture } from './fixture.ts';
import { END } from './plan.ts';

/** A silence as `bartizan silence add` makes it, and when it ended in true time. */
export interface RuntimeSilence {
  match: Readonly<Record<string, string>>;
  alertId?: string;
  /** By the clock of the machine. */
  createdAtMs: number;
  untilMs: number;
  fromTrueMs: number;
  /** Absent: nobody expires it. */
  expiredTrueMs?: number;
}

/** People add silences to state, acknowledge firing alerts, and expire some silences, while the processes work. */
export async function addSilences(fixture: SimulationFixture, state: StateStore): Promise<void> {
  const { plan, timeline, clock, random } = fixture;
  const pause = (ms: number) => timeline.sleep(Math.max(0, ms), NEVER_ABORTED);
  await Promise.all(
    plan.silences.map(async ({ atMs, lastsMs, expireAfterMs, acknowledges, match }, i) => {
      await pause(atMs - timeline.trueMs());
      const firing = (await state.listAlerts()).filter(({ value }) => value.status === 'firing');
      const alertId = acknowledges && firing.length > 0 ? random.pick(firing).value.id : undefined;
      const nowMs = clock.nowMs();
      const id = `silence-${i}`;
      await state.putSilence({
        id,
        matchers:
          alertId === undefined
            ? Object.entries(match).map(([name, value]) => ({ name, op: '=', value }))
            : [],
        ...(alertId !== undefined && { alertId }),
        fromMs: nowMs,
        untilMs: nowMs + lastsMs,
        createdAtMs: nowMs,
        author: 'ops',
        comment: 'a schedule',
      });
      const noted: RuntimeSilence = {
        match: alertId === undefined ? match : {},
        ...(alertId !== undefined && { alertId }),
        createdAtMs: nowMs,
        untilMs: nowMs + lastsMs,
        fromTrueMs: timeline.trueMs(),
      };
      fixture.runtimeSilences.push(noted);
      for (const check of fixture.onSilence) check();
      fixture.count(alertId === undefined ? 'edit: run-time silence added' : 'edit: alert acknowledged');
      fixture.trace(`silence ${id}: ${alertId ?? JSON.stringify(match)}`);
      if (expireAfterMs === undefined || timeline.trueMs() + expireAfterMs > END) return;
      await pause(expireAfterMs);
      await state.expireSilence(id, clock.nowMs());
      noted.expiredTrueMs = timeline.trueMs();
      for (const check of fixture.onSilence) check();
      fixture.count('edit: run-time silence expired');
      fixture.trace(`silence ${id} expires`);
    }),
  );
}
