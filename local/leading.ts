// What a process may do only while it leads, where several share one state.

import { stateInTurns } from '../adapters/event-loop/turns.ts';
import { withSendGuard } from '../adapters/http/send-guard.ts';
import type { Leadership } from '../adapters/postgres/leadership.ts';
import { withMachineState } from '../adapters/state/machine-state.ts';
import { openPostgresState } from '../adapters/state/postgres/state.ts';
import { postgresOptionsOf } from '../adapters/state/registry.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { clockFinding } from '../core/health-clock.ts';
import type { Config } from '../core/model/config.ts';
import type { Channel, Meter, SampleStore, Secrets, StateStore } from '../core/ports.ts';
import type { Faults } from './faults.ts';
import type { Health } from './health.ts';

/** The state of `up`; with a leadership each write proves it. @throws ConfigError | RetryableError */
export async function openUpState(
  config: Pick<Config, 'state' | 'store'>,
  { secrets, leadership }: { secrets: Secrets; leadership: Leadership | undefined },
): Promise<StateStore> {
  const machine = stateInTurns(openSqliteState({ path: config.store.path }));
  const options = postgresOptionsOf(config);
  if (!options || !leadership) return machine;
  try {
    const fence = { term: leadership.term, onFenced: leadership.fenced };
    return withMachineState(await openPostgresState(options, { secrets, fence }), machine);
  } catch (error) {
    await machine.close();
    throw error;
  }
}

/** The same channels; nothing is sent once another process may lead. */
export function channelsOfLeader(
  channels: ReadonlyMap<string, Channel>,
  leadership: Leadership | undefined,
): ReadonlyMap<string, Channel> {
  if (!leadership) return channels;
  const guarded = async <T>(run: () => Promise<T>) => withSendGuard(leadership.assertLeads, run);
  const ofLeader = [...channels].map(([name, channel]): [string, Channel] => {
    const { follow } = channel;
    return [
      name,
      {
        ...channel,
        send: (...message) => guarded(() => channel.send(...message)),
        ...(follow && {
          follow: (...reply: Parameters<typeof follow>) => guarded(() => follow(...reply)),
        }),
      },
    ];
  });
  return new Map(ofLeader);
}

/** The same store; nothing is written once another process may lead. */
export function storeOfLeader(store: SampleStore, leadership: Leadership | undefined): SampleStore {
  if (!leadership) return store;
  const { repeat } = store;
  const guarded = async <T>(run: () => Promise<T>) => withSendGuard(leadership.assertLeads, run);
  return {
    ...store,
    write: (...samples) => guarded(() => store.write(...samples)),
    ...(repeat && {
      repeat: (...samples: Parameters<typeof repeat>) => guarded(() => repeat(...samples)),
    }),
  };
}

/** Health that says that this process leads, how many stand by, and whether its clock differs from that of the database. */
export function healthOfLeader(
  check: () => Promise<Health>,
  leadership: Leadership | undefined,
  { meter, faults }: { meter: Meter; faults: Faults },
): () => Promise<Health> {
  if (!leadership) return check;
  return async () => {
    const finding = clockFinding(leadership.clockDifferenceMs());
    if (finding) faults.raise({ kind: 'warning', ...finding });
    else faults.clear('clock-differs');
    const standbys = leadership.standbys();
    meter.gauge('leader', 1);
    meter.gauge('leader_term', leadership.term);
    meter.gauge('standbys', standbys);
    return { ...(await check()), role: 'leader', standbys };
  };
}
