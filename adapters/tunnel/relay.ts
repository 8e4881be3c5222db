import type { Socket } from 'node:net';
import type { SshStream } from '../ssh/session.ts';

/** How a connection through the tunnel went. */
export interface RelayResult {
  /** `ok`: both sides ended it. `lost`: the SSH session ended beneath it. `cut`: we ended it. */
  outcome: 'ok' | 'lost' | 'cut';
  /** Bytes from the service. */
  bytes: number;
  /** Bytes to the service. */
  bytesSent: number;
}

export interface Relay {
  done: Promise<RelayResult>;
  /** Bytes both ways so far. */
  moved(): number;
  /** Resets the connection at both ends, whatever still waits in it. */
  cut(as: 'lost' | 'cut'): void;
}

/**
 * Joins a local connection and a channel of SSH until both directions have ended: each side may close its half first. A
 * slow reader stops the other side, so that each direction keeps a few MB in memory at most. A client whose data are not
 * complete, as the session was lost, sees a reset and no regular end.
 * @param socket paused, with half-close
 * @param isLost whether the session of the channel has ended
 */
export function relay(socket: Socket, channel: SshStream, isLost: () => boolean): Relay {
  const { promise: done, resolve } = Promise.withResolvers<RelayResult>();
  let bytes = 0;
  let outcome: RelayResult['outcome'] | undefined;
  let channelClosed = false;

  const finish = (as: RelayResult['outcome']) => {
    if (outcome !== undefined) return;
    outcome = as;
    if (as === 'ok') socket.destroySoon();
    else reset(socket);
    // What still arrives is dropped unread.
    channel.removeAllListeners('data');
    channel.resume();
    channel.destroy();
    resolve({ outcome: as, bytes, bytesSent: socket.bytesRead });
  };
  const finishClosed = () => finish(isLost() ? 'lost' : 'ok');

  channel.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  channel.on('error', () => finish('lost'));
  channel.on('end', () => {
    if (isLost()) finish('lost');
    else socket.end();
  });
  channel.on('close', () => {
    channelClosed = true;
    // Data for the client may still wait in the socket.
    if (isLost() || socket.destroyed || socket.writableFinished) finishClosed();
    else socket.once('finish', finishClosed);
  });
  // The client reset the connection, or is gone.
  socket.on('error', () => finish('ok'));
  socket.on('close', () => {
    // Both of its directions have ended. What it sent may still wait for the service, whose end closes the channel.
    if (!socket.readableEnded || socket.errored) finish('ok');
  });
  socket.on('end', () => {
    if (!channelClosed) channel.end();
  });
  // It ended while the channel was being opened.
  if (socket.destroyed) finish('ok');
  channel.pipe(socket, { end: false });
  socket.pipe(channel, { end: false });
  return { done, moved: () => bytes + socket.bytesRead, cut: finish };
}

/** The client must not take what it has for all that there is. A Unix socket knows no reset. */
export function reset(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
