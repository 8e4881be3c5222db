// A process that was frozen goes on where it stopped, maybe hours later: also between the connection and the first byte of a request.
import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

/** @throws when nothing may be sent any more */
export type SendGuard = () => void;

const guards = new AsyncLocalStorage<SendGuard>();

/** Asks the guard before each request that `run` makes, at the last moment before it is on the network. */
export function withSendGuard<T>(guard: SendGuard, run: () => Promise<T>): Promise<T> {
  guard();
  return guards.run(guard, run);
}

type OnResponse = (response: http.IncomingMessage) => void;

/** What axios makes requests with; undefined without a guard. */
export function guardedTransport():
  | { request: (options: http.RequestOptions, onResponse: OnResponse) => http.ClientRequest }
  | undefined {
  const guard = guards.getStore();
  return guard && { request: (options, onResponse) => guardedRequest(guard, options, onResponse) };
}

/** The request gets its connection when that is complete, and writes in the same turn of the event loop. */
function guardedRequest(
  guard: SendGuard,
  options: http.RequestOptions,
  onResponse: OnResponse,
): http.ClientRequest {
  let opening: Socket | undefined;

  class GuardedRequest extends http.ClientRequest {
    override onSocket(socket: Socket | null, failure?: Error): void {
      const give = super.onSocket.bind(this) as (socket: Socket | null, failure?: Error) => void;
      const proceed = () => {
        socket?.off('error', fail).off('close', fail);
        opening = undefined;
        try {
          guard();
          give(socket);
        } catch (error) {
          socket?.destroy();
          give(null, error as Error);
        }
      };
      const fail = (error: Error | boolean) => {
        socket?.off('error', fail).off('close', fail);
        give(null, error instanceof Error ? error : new Error('the connection ended'));
      };
      const { secureConnecting } = (socket ?? {}) as { secureConnecting?: boolean };
      if (!socket || failure) give(socket, failure);
      else if (!socket.connecting && secureConnecting !== true) proceed();
      else {
        opening = socket.once('error', fail).once('close', fail);
        socket.once(secureConnecting === undefined ? 'connect' : 'secureConnect', proceed);
      }
    }

    /** A request that has no connection yet ends the one that opens. */
    override destroy(error?: Error): this {
      opening?.destroy(error);
      return super.destroy(error);
    }
  }

  const { globalAgent } = options.protocol === 'https:' ? https : http;
  return new GuardedRequest({ ...options, agent: options.agent || globalAgent }, onResponse);
}
