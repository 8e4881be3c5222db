import type { Socket } from 'node:net';
import { describeError, RetryableError } from '../../core/errors.ts';
import type { Audit, Logger } from '../../core/ports.ts';
import { ProbeError } from '../ssh/failure.ts';
import { createConnectionLines } from './connection-lines.ts';
import { keepRoute } from './kept-route.ts';
import { type LocalEnd, listenLocally } from './local-listener.ts';
import { type Relay, type RelayResult, relay, reset } from './relay.ts';
import { openRoute, type Route, type RouteOptions } from './route.ts';

/** A local port or Unix socket that leads to a service behind a bastion. */
export interface LocalTunnel {
  /** Where it listens. */
  end: LocalEnd;
  /** Rejects when its SSH session cannot be opened again. Never resolves. */
  failed: Promise<never>;
  /** Connections that are open now. */
  open(): number;
  /** What it has carried, to now. */
  totals(): Totals;
  /** Accepts no more, and gives open connections so long to end. Once its lines are in the audit, it resolves. */
  stop(graceMs: number): Promise<void>;
  /** Ends the grace of `stop`. */
  cut(): void;
}

export interface Totals {
  connections: number;
  bytes: number;
  bytesSent: number;
  /** Connections that were reset before they reached the service: too many were open, no session, no audit. */
  refused: number;
}

export interface LocalTunnelOptions extends Omit<RouteOptions, 'record'> {
  local: LocalEnd;
  audit: Audit;
  logger: Logger;
  /** Open at the same time; more are refused. Each may keep some MB in memory. Default: 256. */
  mostConnections?: number;
}

const REFUSALS_LOGGED_EVERY_MS = 1_000;

/** How a connection ended, as an outcome of the audit. */
const OUTCOMES: Readonly<Record<RelayResult['outcome'], string>> = {
  ok: 'ok',
  lost: 'protocol',
  cut: 'cut',
};

/**
 * Opens a tunnel: takes the local port, logs in, and connects to the service once, so that a tunnel is never half open. Each
 * connection is in the audit before it reaches the service, and again when it has ended.
 * @throws ConfigError for the local port, a key or the audit; ProbeError when the service cannot be reached
 */
export async function openLocalTunnel(options: LocalTunnelOptions): Promise<LocalTunnel> {
  const { local, logger, nowMs, mostConnections = 256 } = options;
  const connecting = new Set<Promise<void>>();
  const relays = new Map<Relay, Promise<void>>();
  const totals: Totals = { connections: 0, bytes: 0, bytesSent: 0, refused: 0 };
  let moved = 0;
  let accepts = false;
  let refusalLoggedMs = Number.NEGATIVE_INFINITY;

  const lines = createConnectionLines(options);
  const open = (signal: AbortSignal | undefined) => openRoute({ ...options, record: lines.record, signal });

  /** Connects to the service and closes the connection again, without sending anything. @throws ProbeError */
  async function tryService(route: Route): Promise<void> {
    const end = await lines.begin(route.fingerprint);
    try {
      const { stream } = await route.dial();
      stream.on('error', () => {});
      stream.resume();
      stream.destroy();
      end('ok');
    } catch (error) {
      end(outcomeOf(error));
      throw error;
    }
  }

  async function connect(socket: Socket): Promise<void> {
    let end: Awaited<ReturnType<typeof lines.begin>> | undefined;
    try {
      const current = await kept.current();
      end = await lines.begin(current.fingerprint);
      const { stream } = await current.dial();
      const joined = relay(socket, stream, () => !current.isOpen());
      const write = end;
      const done = joined.done.then((result) => {
        relays.delete(joined);
        moved += result.bytes + result.bytesSent;
        totals.bytes += result.bytes;
        totals.bytesSent += result.bytesSent;
        write(OUTCOMES[result.outcome], result);
      });
      relays.set(joined, done);
      totals.connections++;
    } catch (error) {
      reset(socket);
      end?.(outcomeOf(error));
      if (end === undefined) refuse(describeError(error));
      else logger.warn('a connection failed', { error: describeError(error) });
    }
  }

  const refuse = (why: string) => {
    totals.refused++;
    // Whoever opens connections in a loop fills no log.
    if (nowMs() - refusalLoggedMs < REFUSALS_LOGGED_EVERY_MS) return;
    refusalLoggedMs = nowMs();
    logger.warn('a connection was refused', { why, refused: totals.refused });
  };
  const accept = (socket: Socket) => {
    socket.on('error', () => {});
    if (!accepts) return reset(socket);
    if (relays.size + connecting.size >= mostConnections) {
      refuse(`${mostConnections} are open`);
      return reset(socket);
    }
    const joining = connect(socket);
    connecting.add(joining);
    void joining.finally(() => connecting.delete(joining));
  };
  const listener = await listenLocally(local, accept, (error) => refuse(describeError(error)));
  let first: Route | undefined;
  try {
    first = await open(options.signal);
    await tryService(first);
  } catch (error) {
    first?.close();
    await listener.close();
    throw error;
  }
  const kept = keepRoute({
    first,
    open,
    moved: () => moved + sum([...relays.keys()].map((one) => one.moved())),
    onLost: () => cutAll('lost'),
    logger,
  });
  accepts = true;

  async function allEnded(): Promise<void> {
    while (connecting.size + relays.size > 0) await Promise.all([...connecting, ...relays.values()]);
  }

  function cutAll(as: 'lost' | 'cut'): void {
    for (const one of relays.keys()) one.cut(as);
  }

  return {
    end: listener.end,
    failed: kept.givenUp,
    open: () => relays.size + connecting.size,
    totals: () => totals,
    async stop(graceMs) {
      accepts = false;
      await listener.close();
      const ended = allEnded();
      const late = Promise.withResolvers<void>();
      const limit = setTimeout(late.resolve, graceMs);
      await Promise.race([ended, late.promise]);
      clearTimeout(limit);
      cutAll('cut');
      // Connections that are being opened fail now.
      kept.close();
      await ended;
    },
    cut: () => cutAll('cut'),
  };
}

function outcomeOf(error: unknown): string {
  if (error instanceof ProbeError) return error.failure.reason;
  return error instanceof RetryableError ? 'unreachable' : 'failed';
}

const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
