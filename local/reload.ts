import { z } from 'zod';
import {
  type ConfigAndNodes,
  type ConfigChanges,
  configChanges,
  endingAlerts,
  fixedChanges,
  isUnchanged,
} from '../core/config/config-changes.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Alert } from '../core/model/alert.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger, Meter, Secrets, StateStore } from '../core/ports.ts';
import type { ControlCommands } from './control.ts';
import type { Faults } from './faults.ts';
import { type Monitoring, NO_GRACE } from './monitoring.ts';
import type { RemovalGuard } from './removal.ts';

export interface ReloadRequest {
  /** Reports what would change, and changes nothing. */
  dryRun?: boolean;
  /** As many nodes may go as do. */
  allowRemoval?: boolean;
}

export interface ReloadOutcome {
  kind: 'applied' | 'would-apply' | 'refused';
  message: string;
  changes?: ConfigChanges;
  /** Open alerts that the next round ends. */
  ends?: readonly Pick<Alert, 'rule' | 'labels' | 'status'>[];
}

export interface ReloadPorts {
  /** Reads the configuration anew. @throws ConfigError with all its problems */
  load: () => Promise<Config>;
  current: () => Monitoring;
  /** @throws ConfigError */
  prepare: (config: Config, isRemovalAllowed: boolean) => Promise<Monitoring>;
  removal: Pick<RemovalGuard, 'refusal' | 'accept'>;
  /** Puts the new one in the place of the current one; false when the process stops meanwhile. */
  replace: (next: Monitoring) => Promise<boolean>;
  state: Pick<StateStore, 'listAlerts'>;
  secrets: Secrets;
  faults: Faults;
  logger: Logger;
  meter: Meter;
}

/** Health shows the beginning of a long list of errors; the log has all of it. */
const DETAIL_LENGTH = 1_000;
const ADVICE = 'If they shall go, reload with `--allow-removal`';

export interface Reloader {
  reload(request?: ReloadRequest): Promise<ReloadOutcome>;
  /** What a watcher has found on disk; undefined when that is in force. */
  noteChange(words: string | undefined): void;
}

/**
 * Puts the configuration on disk in force, one reload after another. What is wrong changes nothing, and is a fault until a
 * later reload succeeds. Never throws.
 */
export function createReloader(ports: ReloadPorts): Reloader {
  const { faults, logger, meter, secrets } = ports;
  let last: Promise<unknown> = Promise.resolve();
  meter.gauge('config_in_force', 1);

  async function stateOf(monitoring: Monitoring): Promise<ConfigAndNodes> {
    return { config: monitoring.config, targets: await monitoring.targets() };
  }

  /** @throws ConfigError | RetryableError, and has changed nothing then */
  async function reload({ dryRun = false, allowRemoval = false }: ReloadRequest): Promise<ReloadOutcome> {
    secrets.forget?.();
    const config = await ports.load();
    const current = ports.current();
    const fixed = fixedChanges(current.config, config);
    if (fixed.length > 0) {
      throw new ConfigError(
        `${fixed.join(', ')}: a running process cannot change this; restart \`up\`, or write the former value`,
      );
    }
    const next = await ports.prepare(config, allowRemoval);
    let isStarted = false;
    try {
      const after = await stateOf(next);
      const changes = configChanges(await stateOf(current), after);
      const alerts = (await ports.state.listAlerts()).map(({ value }) => value);
      const ends = endingAlerts(alerts, after).map(({ rule, labels, status }) => ({ rule, labels, status }));
      const removal = { targets: after.targets, config, isAllowed: allowRemoval, advice: ADVICE };
      const refusal = await ports.removal.refusal(removal);
      if (dryRun)
        return refusal === undefined
          ? { kind: 'would-apply', message: 'the configuration could be put in force', changes, ends }
          : { kind: 'refused', message: refusal, changes, ends };
      if (refusal !== undefined) throw new ConfigError(refusal);
      // Before the change: a process that is killed in between starts again with the file.
      await ports.removal.accept(removal);
      isStarted = await ports.replace(next);
      if (!isStarted) throw new ConfigError('this process stops; its next start reads the configuration');
      const message = isUnchanged(changes)
        ? 'the configuration is in force; nothing in it has changed'
        : 'the configuration is in force from the next round on';
      return { kind: 'applied', message, changes, ends };
    } finally {
      if (!isStarted) await next.stop(NO_GRACE);
    }
  }

  async function run(request: ReloadRequest): Promise<ReloadOutcome> {
    try {
      const outcome = await reload(request);
      if (outcome.kind === 'applied') {
        faults.clear('config-not-in-force');
        meter.count('config_reloads_total', { outcome: 'applied' });
        meter.gauge('config_in_force', 1);
        logger.info(outcome.message, summaryOf(outcome));
      }
      return outcome;
    } catch (error) {
      const message = secrets.redact(describeError(error));
      if (request.dryRun) return { kind: 'refused', message };
      meter.count('config_reloads_total', { outcome: 'refused' });
      meter.gauge('config_in_force', 0);
      faults.raise({
        kind: 'warning',
        code: 'config-not-in-force',
        words: 'the configuration on disk is not in force: the last reload was refused',
        detail: message.slice(0, DETAIL_LENGTH),
      });
      logger.error('reload refused; the former configuration stays in force', { error: message });
      return { kind: 'refused', message };
    }
  }

  return {
    reload(request = {}) {
      const outcome = last.then(() => run(request));
      last = outcome;
      return outcome;
    },
    noteChange(words) {
      meter.gauge('config_in_force', words === undefined ? 1 : 0);
      if (words === undefined) faults.clear('config-not-in-force');
      // The reason of a refusal says more.
      else if (!faults.findings().warnings.some(({ code }) => code === 'config-not-in-force'))
        faults.raise({ kind: 'warning', code: 'config-not-in-force', words });
    },
  };
}

/** Numbers for the log. */
function summaryOf({ changes, ends }: ReloadOutcome): Record<string, unknown> {
  if (changes === undefined) return {};
  const { added, removed, changed } = changes.nodes;
  return {
    nodesAdded: added.length,
    nodesRemoved: removed.length,
    nodesChanged: changed.length,
    sections: [...Object.keys(changes.sections), ...changes.settings].join(', '),
    alertsEnding: ends?.length ?? 0,
  };
}

const requestSchema = z.strictObject({
  dryRun: z.boolean().optional(),
  allowRemoval: z.boolean().optional(),
});

/** The command behind the socket. */
export function reloadCommand({ reload }: Pick<Reloader, 'reload'>): ControlCommands[string] {
  return async (args) => {
    const request = requestSchema.safeParse(args ?? {});
    if (!request.success) return { ok: false, message: 'this `up` is of another release: restart it' };
    const { dryRun = false, allowRemoval = false } = request.data;
    const { kind, message, ...detail } = await reload({ dryRun, allowRemoval });
    return { ok: kind !== 'refused', message, detail: { kind, ...detail } };
  };
}
