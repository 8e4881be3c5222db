// Servers that make a client work or wait, one for each kind. Some are ssh2's server with our messages, some bare
// sockets.
import { getDiffieHellman } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { IDENTIFICATION, kexInit, packet, string, uint32 } from '../kexinit.ts';
import { answer, flood, healthy, output } from '../node-behaviour.ts';
import { type Behaviour, type FakeHost, startFakeNode, startRawNode } from '../ssh-fleet.ts';

/** The most bytes that one of them sends, so that a test ends even if nothing stops the server. */
const MOST_BYTES = 4 * 2 ** 20;
const BURST = 200;
const OUR_BACKLOG = 2 ** 20;

/** Fields of ssh2 1.17 that send messages for which its server has no method. */
interface Internals {
  _protocol: {
    _kexinit: unknown;
    channelOpenConfirm(remote: number, local: number, window: number, packetBytes: number): void;
    _packetRW: { write: { allocStart: number; alloc(n: number): Buffer; finalize(packet: Buffer): Buffer } };
    _cipher: { encrypt(packet: Buffer): void };
  };
  _sock: Socket;
}

function send({ _protocol }: Internals, payload: Buffer): void {
  const { write } = _protocol._packetRW;
  const packet = write.alloc(payload.length);
  payload.copy(packet, write.allocStart);
  _protocol._cipher.encrypt(write.finalize(packet));
}

/** Sends the message until the other side closes the connection. */
function repeat(connection: Connection, payload: Buffer): void {
  const internals = connection as unknown as Internals;
  let bytes = 0;
  const more = () => {
    const { _sock, _protocol } = internals;
    if (_sock.destroyed || bytes > MOST_BYTES) return;
    const idle = _sock.writableLength < OUR_BACKLOG && _protocol._kexinit === undefined;
    for (let i = 0; idle && i < BURST; i++, bytes += payload.length + 32) send(internals, payload);
    setImmediate(more);
  };
  more();
}

const bytes = (...fields: (number | Buffer)[]) =>
  Buffer.concat(fields.map((field) => (typeof field === 'number' ? Buffer.from([field]) : field)));

/** A text that ssh2 parses as a key, with a regular expression that backtracks. */
const KEY_TEXT = `-----BEGIN RSA PRIVATE KEY-----\n${'a:b\n'.repeat(8_000)}x`;

const ONCE_LOGGED_IN: Record<string, Buffer> = {
  'ignored messages': bytes(2, uint32(0)),
  'debug messages': bytes(4, 1, string('x'), string('')),
  'global requests': bytes(80, string('keepalive@openssh.com'), 1),
  'host keys': bytes(80, string('hostkeys-00@openssh.com'), 0, string(KEY_TEXT)),
  'channels that it opens': bytes(90, string('x11'), uint32(1), uint32(1), uint32(1), string('h'), uint32(1)),
};
const ONCE_ASKED: Record<string, Buffer> = {
  'bytes of output one by one': bytes(94, uint32(0), string('x')),
  'requests of a channel': bytes(98, uint32(0), string('keepalive@openssh.com'), 1),
  'windows one by one': bytes(93, uint32(0), uint32(1)),
};

type Start = (accepts: string) => Promise<FakeHost>;

const speaking = (
  behave: Behaviour,
  meet: (connection: Connection) => void,
  kex?: 'diffie-hellman-group18-sha512',
): Start => {
  return (accepts) => startFakeNode(behave, { accepts, meet, ...(kex && { algorithms: { kex: [kex] } }) });
};
const bare =
  (behave: (socket: Socket) => void): Start =>
  () =>
    startRawNode(behave);

/** Writes each byte separately. */
function drip(
  text: Buffer,
  socket: Socket,
  pause: (next: () => void) => void,
  done: () => void = () => {},
): void {
  let at = 0;
  socket.setNoDelay(true);
  const next = () => {
    if (socket.destroyed || at >= text.length) return done();
    socket.write(text.subarray(at, ++at));
    pause(next);
  };
  next();
}

/** A proxy that forwards the bytes of a server one by one. */
const byteByByte: Start = async (accepts) => {
  const node = await startFakeNode(healthy, { accepts });
  const front = await startRawNode((socket) => {
    const inner = connect({ host: node.host, port: node.port });
    inner
      .on('error', () => {})
      .on('data', (chunk) => {
        inner.pause();
        drip(chunk, socket, setImmediate, () => inner.resume());
      });
    socket.pipe(inner);
    socket.on('close', () => inner.destroy());
  });
  const close = async () => {
    await Promise.all([front.close(), node.close()]);
  };
  return { ...front, hostKey: node.hostKey, close };
};

const groupExchange = bare((socket) => {
  socket.write(
    Buffer.concat([
      Buffer.from(IDENTIFICATION),
      packet(kexInit({ kex: 'diffie-hellman-group-exchange-sha256' })),
    ]),
  );
  const prime = getDiffieHellman('modp18').getPrime();
  // The request for a group has arrived by then.
  setTimeout(() => socket.write(packet(bytes(31, string(bytes(0, prime)), string(bytes(2))))), 200).unref();
});

/** Confirms channels with this packet size. */
const takes = (packetBytes: number) => (connection: Connection) => {
  const { _protocol } = connection as unknown as Internals;
  const confirm = _protocol.channelOpenConfirm.bind(_protocol);
  _protocol.channelOpenConfirm = (remote, local, window) => confirm(remote, local, window, packetBytes);
};

/** Packets with wrong MACs, and more after the first. */
const brokenPackets = (connection: Connection) =>
  connection.once('handshake', () => {
    const { _sock } = connection as unknown as Internals;
    for (let i = 0; i < 100; i++) _sock.write(Buffer.concat([uint32(32), Buffer.alloc(48)]));
  });

/** The output of the script with as many names as fit. */
const manyNames: Behaviour = (channel, _script, count) => {
  const names = Array.from({ length: 4_500 }, (_, i) => i);
  const devices = names.map((i) => `net eth${i} ${count} ${count}\ndisk sd${i}p1 1 1 1`).join('\n');
  const mounts = names.map((i) => `/dev/sd${i} ext4 1000 500 500 50% /mnt/${i}`).join('\n');
  answer(
    channel,
    output(count).replace('@blocks\n@inodes', `${devices}\n@blocks\n${mounts}\n@inodes\n${mounts}`),
  );
};

/** The output of the script with as many lines as fit. */
const shortLines: Behaviour = (channel, _script, count) =>
  answer(channel, output(count).replace('@blocks', `${'x\n'.repeat(480_000)}@blocks`));

export const HOSTILE: Readonly<Record<string, Start>> = {
  'group exchange': groupExchange,
  compression: (accepts) => {
    // 34 MB, in packets of 34 KB.
    const meet = (connection: Connection) =>
      connection.once('ready', () =>
        send(connection as unknown as Internals, bytes(2, Buffer.alloc(34 * 2 ** 20))),
      );
    return startFakeNode(healthy, { accepts, meet, algorithms: { compress: ['zlib'] } });
  },
  'a KEXINIT of 34 KB': bare((socket) =>
    socket.write(Buffer.concat([Buffer.from(IDENTIFICATION), packet(kexInit({ kex: 'a,'.repeat(17_000) }))])),
  ),
  'lines before SSH': bare((socket) => flood(socket, () => {}, 2 ** 22, 'x\r\n')),
  'a line before SSH, byte by byte': bare((socket) => drip(Buffer.alloc(2 ** 18, 'x'), socket, setImmediate)),
  'an identification that never ends': bare((socket) => {
    socket.write('SSH-2.0-');
    flood(socket, () => {}, 2 ** 22, 'x');
  }),
  'a slow drip': bare((socket) => {
    const text = Buffer.concat([Buffer.from(IDENTIFICATION), packet(kexInit())]);
    drip(text, socket, (next) => void setTimeout(next, 50));
  }),
  'everything byte by byte': byteByByte,
  'the slowest key exchange': speaking(healthy, () => {}, 'diffie-hellman-group18-sha512'),
  'new keys without end': speaking(
    () => {},
    (connection) => {
      const again = () => connection.rekey(again);
      connection.on('ready', again);
    },
    'diffie-hellman-group18-sha512',
  ),
  banners: speaking(healthy, (connection) =>
    connection.once('handshake', () => repeat(connection, bytes(53, string('x'.repeat(20)), string('')))),
  ),
  'requests for our signature': speaking(healthy, (connection) =>
    connection.once('authentication', () => repeat(connection, bytes(60, string(''), string('')))),
  ),
  ...Object.fromEntries(
    Object.entries(ONCE_LOGGED_IN).map(([name, payload]) => [
      name,
      speaking(healthy, (connection) => connection.once('ready', () => repeat(connection, payload))),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(ONCE_ASKED).map(([name, payload]) => {
      const meet = (connection: Connection) =>
        connection.on('session', () => setImmediate(() => repeat(connection, payload)));
      return [name, speaking(() => {}, meet)];
    }),
  ),
  'output without end': speaking(
    (channel) => flood(channel),
    () => {},
  ),
  'complaints without end': speaking(
    (channel) => flood(channel.stderr),
    () => {},
  ),
  'packets of no size': speaking(healthy, takes(0)),
  'packets of one byte': speaking(healthy, takes(1)),
  'broken packets': speaking(healthy, brokenPackets),
  'thousands of names': speaking(manyNames, () => {}),
  'a million short lines': speaking(shortLines, () => {}),
  'nothing at all': bare(() => {}),
};
