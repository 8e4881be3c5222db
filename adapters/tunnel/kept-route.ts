import { ConfigError, describeError } from '../../core/errors.ts';
import type { FailureReason } from '../../core/model/observation.ts';
import type { Logger } from '../../core/ports.ts';
import { ProbeError, probeError } from '../ssh/failure.ts';
import type { Route } from './route.ts';

/** A route that is opened again when its SSH session dies. */
export interface KeptRoute {
  /** The route of now. While it is being opened again, waits for that, a few seconds at most. @throws ProbeError */
  current(): Promise<Route>;
  /** Rejects when it is given up, with the reason. Never resolves. */
  givenUp: Promise<never>;
  close(): void;
}

export interface KeptRouteOptions {
  /** The route that is open already. */
  first: Route;
  open: (signal: AbortSignal) => Promise<Route>;
  /** Called when the session has died, before it is opened again. */
  onLost: (route: Route) => void;
  /** Bytes that its connections have moved so far: while these grow, the session lives. */
  moved: () => number;
  logger: Pick<Logger, 'warn' | 'info'>;
  /** From 0 up to 1: spreads the attempts of several tunnels. */
  random?: () => number;
}

const TICK_MS = 1_000;
/** As `ServerAliveInterval 15` of ssh_config: shorter than firewalls forget idle connections. */
const IDLE_MS = 15_000;
/** A slow line may have megabytes of other connections in front of the answer. */
const ALIVE_WITHIN_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A bastion that reboots is back sooner. */
const GIVE_UP_MS = 600_000;
/** Clients have deadlines of their own. */
const WAIT_MS = 10_000;
/** Another attempt would fail in the same way, and sshd counts refused logins against our address. */
const FINAL: readonly FailureReason[] = ['auth', 'host-key', 'host-key-unknown', 'forbidden', 'config'];

export function keepRoute(options: KeptRouteOptions): KeptRoute {
  const { open, onLost, moved, logger, random = Math.random } = options;
  const closing = new AbortController();
  const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
  givenUp.catch(() => {});
  let route: Route | undefined = options.first;
  let reopening: Promise<Route> | undefined;
  let movedBefore = 0;
  let aliveAtMs = performance.now();
  let asking = false;

  const timer = setInterval(() => void watch(), TICK_MS);

  async function watch(): Promise<void> {
    if (route === undefined || asking) return;
    const watched = route;
    const nowMs = performance.now();
    const movedNow = moved();
    if (movedNow !== movedBefore) aliveAtMs = nowMs;
    movedBefore = movedNow;
    if (watched.isOpen() && nowMs - aliveAtMs < IDLE_MS) return;
    asking = true;
    const alive = watched.isOpen() && (await watched.isAlive(ALIVE_WITHIN_MS));
    asking = false;
    aliveAtMs = performance.now();
    if (!alive && !closing.signal.aborted) lose(watched);
  }

  function lose(lost: Route): void {
    if (route !== lost) return;
    route = undefined;
    lost.destroy();
    onLost(lost);
    logger.warn('the SSH session was lost; its connections are closed, and it is being opened again');
    reopening = reopen();
    reopening.catch((error) => {
      if (!closing.signal.aborted) giveUp(error);
    });
  }

  async function reopen(): Promise<Route> {
    const startMs = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        const opened = await open(closing.signal);
        if (closing.signal.aborted) opened.close();
        closing.signal.throwIfAborted();
        route = opened;
        aliveAtMs = performance.now();
        logger.info('the SSH session is open again');
        return opened;
      } catch (error) {
        if (closing.signal.aborted || isFinal(error)) throw error;
        const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + random() / 2);
        if (performance.now() - startMs + pauseMs > GIVE_UP_MS) throw error;
        logger.warn('the SSH session cannot be opened yet', { error: describeError(error) });
        await pause(pauseMs, closing.signal);
      }
    }
  }

  return {
    async current() {
      if (route?.isOpen()) return route;
      if (route) lose(route);
      const { promise: late, reject } = Promise.withResolvers<never>();
      const limit = setTimeout(
        () => reject(probeError('timeout', 'bastion', 'the SSH session is being opened again')),
        WAIT_MS,
      );
      return Promise.race([reopening as Promise<Route>, late]).finally(() => clearTimeout(limit));
    },
    givenUp,
    close() {
      clearInterval(timer);
      closing.abort();
      route?.close();
    },
  };
}

function isFinal(error: unknown): boolean {
  return error instanceof ProbeError ? FINAL.includes(error.failure.reason) : error instanceof ConfigError;
}

/** @throws when the signal is aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}
