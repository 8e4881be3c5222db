import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger } from '../core/ports.ts';
import type { Sleep } from './clock.ts';
import type { ReloadOutcome } from './reload.ts';

/** What is watched: the files of a configuration, and the process that it belongs to. */
export interface WatchedConfig {
  /** Changes with the content of the files; undefined while they cannot be read as files. */
  fingerprint: () => Promise<string | undefined>;
  /** The configuration in force; undefined before the start. */
  inForce: () => Config | undefined;
  reload: () => Promise<ReloadOutcome>;
  /** Health says so; undefined when the files are those in force again. */
  onChange: (words: string | undefined) => void;
  /** Whether a change is put in force, or only reported. */
  applies: boolean;
  sleep: Sleep;
  signal: AbortSignal;
  logger: Logger;
}

const EVERY_MS = 5_000;
const GONE = 'the configuration on disk is missing, or is no file; the one in force stays';
const CHANGED = 'the configuration on disk has changed and is not in force: `bartizan reload` applies it';

/**
 * Reports changes of the files of a configuration, once they have been the same for two readings, and puts them in force where it
 * may. A version that was refused is not tried again. Ends with the signal.
 */
export function createConfigWatch(start: { config: Config; fingerprint: string | undefined }) {
  let loaded = start;
  return {
    /** Reads a configuration, and keeps which version it is. */
    async load(read: () => Promise<Config>, fingerprint: WatchedConfig['fingerprint']): Promise<Config> {
      // Before the reading: a later change is then a change.
      const version = await fingerprint();
      const config = await read();
      loaded = { config, fingerprint: version };
      return config;
    },
    async run(watched: WatchedConfig): Promise<void> {
      const { fingerprint, inForce, onChange, sleep, signal, logger } = watched;
      let current = start.fingerprint;
      let last = current;
      let handled: string | undefined = current;
      let isReported = false;
      while (!signal.aborted) {
        await sleep(EVERY_MS, signal);
        if (signal.aborted) return;
        const found = await fingerprint().catch((error: unknown) => {
          logger.warn('the configuration on disk cannot be read', { error: describeError(error) });
          return undefined;
        });
        if (inForce() === loaded.config) current = loaded.fingerprint;
        const isStable = found === last;
        last = found;
        if (found === current) {
          if (isReported) onChange(undefined);
          isReported = false;
          handled = current;
        } else if (isStable && (found !== handled || !isReported)) {
          handled = found;
          isReported = true;
          const applies = watched.applies && found !== undefined;
          if (applies) await watched.reload();
          else {
            onChange(found === undefined ? GONE : CHANGED);
            logger.warn(found === undefined ? GONE : CHANGED);
          }
        }
      }
    },
  };
}
