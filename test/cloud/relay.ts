// A relay in front of a server. It counts bytes and round trips; answers reach the client after a delay.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * The data of a TCP segment on a path with an MTU of 1,500 bytes: 20 bytes of IP, 20 of TCP and 12 of its timestamps
 * are headers (RFC 7323).
 */
const SEGMENT = 1_448;
const HEADERS = 52;
/**
 * Every second segment is acknowledged (RFC 5681, 4.2); the acknowledgement needs its own segment when there is no data
 * to send.
 */
const SEGMENTS_AN_ACK = 2;

export interface Passed {
  /** Bytes of SSH, with nested headers and padding. */
  bytes: number;
  segments: number;
}

export interface Relay {
  host: string;
  port: number;
  out: Passed;
  in: Passed;
  /**
   * The answers that the client waited for, one after the other: the longest chain of requests and answers. The relay
   * follows cause and effect, not time, so that a busy machine changes nothing. When a server answers one request in
   * pieces that are further apart than the delay, the relay counts two answers: the number is sometimes too high, never
   * too low. Nagle's algorithm alone separates pieces by 40 ms, the time that Linux delays an acknowledgement.
   */
  roundTrips(): number;
  close(): Promise<void>;
}

/** The bytes of one direction on the wire: its data, their headers, and the acknowledgements of the other direction. */
export function wireBytes(data: Passed, other: Passed): number {
  return data.bytes + HEADERS * (data.segments + other.segments / SEGMENTS_AN_ACK);
}

export async function startRelay(
  server: { host: string; port: number },
  options: { delayMs: number },
): Promise<Relay> {
  const passed = { out: { bytes: 0, segments: 0 }, in: { bytes: 0, segments: 0 } };
  const sockets = new Set<Socket>();
  // The length of the chain up to the last answer that the client has, and up to the last request that the server has.
  let answered = 0;
  let asked = 0;
  const pipe = (from: Socket, to: Socket, count: Passed, forward: (chunk: Buffer) => void) => {
    from.on('data', (chunk: Buffer) => {
      count.bytes += chunk.length;
      count.segments += Math.ceil(chunk.length / SEGMENT);
      forward(chunk);
    });
    from.on('end', () => setTimeout(() => to.end(), options.delayMs));
    from.on('error', () => to.destroy());
  };
  const relay = createServer({ noDelay: true }, (client) => {
    const there = connect({ ...server, noDelay: true });
    for (const socket of [client, there]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pipe(client, there, passed.out, (chunk) => {
      asked = answered;
      there.write(chunk);
    });
    pipe(there, client, passed.in, (chunk) => {
      const chain = asked + 1;
      setTimeout(() => {
        answered = Math.max(answered, chain);
        client.write(chunk);
      }, options.delayMs);
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (relay.address() as AddressInfo).port,
    ...passed,
    roundTrips: () => answered,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
