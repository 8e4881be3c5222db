import { createChannels } from '../../adapters/channels/registry.ts';
import { meterTo } from '../../core/meter.ts';
import type { Config } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import type { Transition } from '../../core/model/transition.ts';
import type { Channel, Clock, Logger, Meter, Prober, Secrets, StateStore } from '../../core/ports.ts';
import { type ChannelType, type ConfigDocument, configOf } from './document.ts';
import { EDITS, type EditName } from './edits.ts';
import type { Fate, Life } from './guard.ts';
import type { HealthSample } from './health-watch.ts';
import { CALM_FROM, type Plan, type PlannedEdit } from './plan.ts';
import type { Random } from './random.ts';
import type { RuntimeSilence } from './runtime-silences.ts';
import { createTinyStore, type TinyStore } from './sample-store.ts';
import { createServices, type Services } from './services.ts';
import { createRateLimits } from './storm.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/** Everything that survives the processes of a schedule: time, services, samples, the file, and our records. */
export interface SimulationFixture {
  plan: Plan;
  timeline: Timeline;
  random: Random;
  /** The clock of the machine, which may be stepped. */
  clock: Clock;
  store: TinyStore;
  services: Services;
  /** The configurations that were active, the newest last. */
  configs: { fromMs: number; config: Config }[];
  config(): Config;
  edit(edit: PlannedEdit): void;
  channelsFor(config: Config, life: Life): Promise<Map<string, Channel>>;
  fateOf(of: 'state' | 'samples'): (what: string) => Fate;
  /** When a stage first tried to write each transition, and when state had it. */
  offeredAt: Map<string, number>;
  committedAt: Map<string, number>;
  noting(state: StateStore): StateStore;
  secrets: Secrets;
  logger: Logger;
  meter: Meter;
  counts: Map<string, number>;
  count(what: string): void;
  trace(line: string): void;
  runtimeSilences: RuntimeSilence[];
  /** Called after the silences of state changed: senders decide again at once. */
  onSilence: Set<() => void>;
  healthSamples: HealthSample[];
  /** The time that the machine's clock showed at that true time. */
  wallAt(trueMs: number): number;
  /** The true times at which passes of the local notifier failed. */
  notifyFailures: readonly number[];
  /** Firings that were counted as sent to no channel. */
  unrouted: readonly { atMs: number; rule: string }[];
  /** The starts and deaths of processes. */
  crashes: number[];
}

export function createSimulationFixture(plan: Plan, onTrace?: (line: string) => void): SimulationFixture {
  const timeline = createTimeline();
  const { random } = plan;
  const offsets = [{ fromMs: timeline.trueMs(), offsetMs: 0 }];
  const wallAt = (trueMs: number) =>
    trueMs + (offsets.findLast(({ fromMs }) => fromMs <= trueMs)?.offsetMs ?? 0);
  const clock = { nowMs: () => wallAt(timeline.trueMs()) };
  const document: ConfigDocument = structuredClone(plan.document);
  const types = new Map<string, ChannelType>();
  const learnTypes = () => {
    for (const channel of document.channels) types.set(serviceOf(channel), channel.type);
  };
  learnTypes();
  const configs = [{ fromMs: timeline.trueMs(), config: configOf(document, clock.nowMs()) }];
  const counts = new Map<string, number>();
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const trace = (line: string) => onTrace?.(`${clockText(timeline.trueMs())} ${line}`);
  const rateLimits = plan.storm && createRateLimits(plan.storm.rate);
  const services = createServices({
    timeline,
    random: random.fork(),
    windows: plan.windows,
    glitches: { share: plan.glitchShare, untilMs: CALM_FROM },
    typeOf: (service) => types.get(service) ?? 'webhook',
    overRateMs(service, nowMs) {
      const waitMs = rateLimits?.(service, nowMs);
      if (waitMs !== undefined) count('answer: over its rate');
      return waitMs;
    },
    wallMs: clock.nowMs,
    onPost({ service, channel, notification, answer }) {
      count(`answer: ${answer.mood}`);
      trace(
        `${service} gets ${notification.key} for ${channel} (${notification.reason}): ${answer.mood}${answer.status ? ` ${answer.status}` : ''} | ${describeAlerts(notification)}`,
      );
    },
  });
  // Channels keep nothing between messages, so the channels of one configuration serve every call of a function.
  const channels = new WeakMap<Config, ReturnType<typeof createChannels>>();
  const madeFor = (config: Config) => {
    const made = channels.get(config) ?? createChannels(config.channels, { secrets, clock });
    channels.set(config, made);
    return made;
  };
  const edits = random.fork();
  let fresh = 10;
  const crashes: number[] = [];
  const notifyFailures: number[] = [];
  const unrouted: { atMs: number; rule: string }[] = [];
  const waiting = plan.crashes.map((one) => ({ ...one }));
  const fixture: SimulationFixture = {
    plan,
    timeline,
    random,
    clock,
    store: createTinyStore(timeline.trueMs),
    services,
    configs,
    config: () => (configs.at(-1) as SimulationFixture['configs'][number]).config,
    edit({ edits: names }) {
      const apply = (name: EditName) => {
        const nowMs = clock.nowMs();
        const done = EDITS[name](document, { random: edits, fleet: plan.fleet, nowMs, fresh: () => fresh++ });
        trace(`edit: ${name}${done ? '' : ' (nothing to do)'}`);
        if (done) count(`edit: ${name}`);
        return done;
      };
      // Each edit is different from the others.
      if (names.filter(apply).length === 0) apply('route renamed');
      learnTypes();
      configs.push({ fromMs: timeline.trueMs(), config: configOf(document, clock.nowMs()) });
    },
    async channelsFor(config, life) {
      const made = await madeFor(config);
      return new Map([...made].map(([name, channel]) => [name, services.watched(channel, name, life.alive)]));
    },
    fateOf: (of) => (what) => {
      const now = timeline.trueMs();
      const armed = waiting.find((one) => one.write && one.atMs <= now && now < CALM_FROM);
      if (armed?.write && --armed.write.nth <= 0) {
        waiting.splice(waiting.indexOf(armed), 1);
        count(`crash: ${armed.write.fate} ${of} ${what}`);
        return armed.write.fate;
      }
      const failing = plan.failures.find(
        (one) => one.of === of && (one.what ?? what) === what && one.fromMs <= now && now < one.toMs,
      );
      if (!failing || !random.chance(failing.share)) return 'done';
      const after = plan.kind === 'dynamodb' && random.chance(0.3);
      count(`failure: ${of} ${after ? 'after' : 'before'} a write`);
      return after ? 'fails after' : 'fails before';
    },
    offeredAt: new Map(),
    committedAt: new Map(),
    noting: (state) => ({
      ...state,
      async commitAlert(commit) {
        const note = (map: Map<string, number>, { id }: Transition) => {
          if (!map.has(id)) map.set(id, timeline.trueMs());
        };
        for (const transition of commit.transitions) note(fixture.offeredAt, transition);
        await state.commitAlert(commit);
        for (const transition of commit.transitions) note(fixture.committedAt, transition);
      },
    }),
    secrets,
    logger: loggerTo(trace, onTrace !== undefined),
    meter: meterTo(({ name, labels }) => {
      if (name === 'notify_failures_total') notifyFailures.push(timeline.trueMs());
      if (name === 'transitions_unrouted_total')
        unrouted.push({ atMs: timeline.trueMs(), rule: `${labels.rule}` });
    }),
    notifyFailures,
    unrouted,
    counts,
    count,
    trace,
    runtimeSilences: [],
    onSilence: new Set(),
    healthSamples: [],
    wallAt,
    crashes,
  };
  for (const { atMs, byMs } of plan.clockSteps) {
    void timeline.sleep(atMs - timeline.trueMs(), NEVER_ABORTED).then(() => {
      const offsetMs = byMs + (offsets.at(-1)?.offsetMs ?? 0);
      offsets.push({ fromMs: timeline.trueMs(), offsetMs });
      count(`clock: ${byMs < 0 ? 'back' : 'ahead'}`);
      trace(`the clock is stepped by ${byMs / 1000} s`);
    });
  }
  return fixture;
}

export const NEVER_ABORTED = new AbortController().signal;

/** A reference resolves to the address of the service with that name, or to a token that nobody checks. */
const secrets: Secrets = {
  resolve: async (text) => text.replace(/\$\{env:([^}]+)\}/g, 'https://$1.test/token'),
  redact: (text) => text,
};

function serviceOf(channel: Record<string, unknown>): string {
  const text = JSON.stringify([channel.url, channel.token]);
  return /\$\{env:([^}]+)\}/.exec(text)?.[1] ?? '';
}

export function targetsOf(config: Config): Target[] {
  return config.clusters.flatMap(({ name, bastion, nodes }) =>
    nodes.map(({ name: node, role }) => ({
      cluster: name,
      node,
      role,
      host: '10.0.0.1',
      port: 22,
      user: 'probe',
      bastion,
      hostKeys: [],
    })),
  );
}

/** A probe takes a moment; some take so long that the round is first evaluated without them. */
export function proberOf(fixture: SimulationFixture): Prober {
  const { timeline, random, plan, clock } = fixture;
  return {
    async probe(batch) {
      await timeline.sleep(
        random.chance(0.1) ? random.int(4_000, 20_000) : random.int(50, 900),
        NEVER_ABORTED,
      );
      return plan.fleet.observe(batch, clock.nowMs());
    },
    close: async () => undefined,
  };
}

function describeAlerts({
  alerts,
}: {
  alerts: readonly {
    alertId: string;
    rule: string;
    labels: Record<string, string>;
    status: string;
    firedAtMs: number;
  }[];
}) {
  return alerts
    .map(
      ({ rule, labels, status, firedAtMs }) =>
        `${rule}/${labels.node ?? labels.cluster}@${clockText(firedAtMs)} ${status}`,
    )
    .join(', ');
}

export function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function loggerTo(trace: (line: string) => void, on: boolean): Logger {
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (on) trace(`  ${level}: ${message} ${JSON.stringify(fields)}`);
    };
  return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') };
}
