// SSH requests for which ssh2 1.17 has no call, or none that waits for the answer, built from its internals.
import type { Client, ClientChannel } from 'ssh2';

type OnOpen = ((error: Error | undefined, channel?: ClientChannel) => void) & { type?: string };
type Answer = (refused: boolean | Error) => void;

interface Protocol {
  _handlers: { DEBUG?: (protocol: unknown, display: boolean, text: string) => void };
  _packetRW: { write: { allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer } };
  _cipher: { encrypt(packet: Buffer): void };
  session(id: number, window: number, packetSize: number): void;
  env(channel: number, name: string, value: string, wantReply: boolean): void;
  pty(...request: [number, number, number, number, number, string, null, boolean]): void;
  x11Forward(channel: number, request: object, wantReply: boolean): void;
  openssh_agentForward(channel: number, wantReply: boolean): void;
}
interface Insides {
  config: { strictVendor: boolean };
  _chanMgr: { add(onOpen: OnOpen): number };
  _protocol: Protocol;
}
const inside = (client: Client) => client as unknown as Insides;

const CHANNEL_OPEN = 90;
const WINDOW_BYTES = 64 * 1024;
const PACKET_BYTES = 32 * 1024;
/** SSH_TUNMODE_POINTOPOINT, and a device number beyond the greatest (PROTOCOL of OpenSSH, 2.3): the server creates no device. */
const POINT_TO_POINT = 1;
const NO_DEVICE = 0x7fff_fffe;

/** Calls `listener` with each SSH_MSG_DEBUG of the server: OpenSSH explains refusals there. */
export function onDebugMessage(client: Client, listener: (text: string) => void): void {
  inside(client)._protocol._handlers.DEBUG = (_protocol, _display, text) => listener(text);
}

/** Lets ssh2 request Unix sockets although the server's name is unknown to it: `openSession` hides that name. */
export function allowSocketRequests(client: Client): void {
  inside(client).config.strictVendor = false;
}

/** Opens a session channel without requesting anything in it. @throws Error when the server refuses */
export function openBareSession(client: Client): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const onOpen: OnOpen = (error, channel) => (channel ? resolve(channel) : reject(error));
  onOpen.type = 'session';
  const { _chanMgr, _protocol } = inside(client);
  _protocol.session(_chanMgr.add(onOpen), WINDOW_BYTES, PACKET_BYTES);
  return promise;
}

export type SessionRequest = 'terminal' | 'agent' | 'x11' | 'environment';

/** Requests something in a session, before any command. Resolves to whether the server grants it. */
export function requestInSession(
  client: Client,
  channel: ClientChannel,
  request: SessionRequest,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { _callbacks, outgoing } = channel as unknown as { _callbacks: Answer[]; outgoing: { id: number } };
  _callbacks.push((refused) => resolve(!refused));
  const { _protocol } = inside(client);
  switch (request) {
    case 'terminal':
      _protocol.pty(outgoing.id, 24, 80, 480, 640, 'vt100', null, true);
      break;
    case 'agent':
      _protocol.openssh_agentForward(outgoing.id, true);
      break;
    case 'x11': {
      const cookie = '0'.repeat(32);
      const display = { single: true, protocol: 'MIT-MAGIC-COOKIE-1', cookie, screen: 0 };
      _protocol.x11Forward(outgoing.id, display, true);
      break;
    }
    case 'environment':
      // An empty value does nothing; bash would run any other.
      _protocol.env(outgoing.id, 'BASH_ENV', '', true);
      break;
  }
  return promise;
}

/** Requests a tunnel device that cannot exist. @throws Error always, with the server's explanation if it gives one */
export function requestTunnel(client: Client): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const { _chanMgr, _protocol } = inside(client);
  const type = 'tun@openssh.com';
  const onOpen: OnOpen = (error, channel) => {
    channel?.destroy();
    reject(error ?? new Error('granted'));
  };
  onOpen.type = type;
  const { write } = _protocol._packetRW;
  const packet = write.alloc(1 + 4 + type.length + 5 * 4);
  let at = packet.writeUInt8(CHANNEL_OPEN, write.allocStart);
  at = packet.writeUInt32BE(type.length, at);
  at += packet.write(type, at, 'latin1');
  for (const number of [_chanMgr.add(onOpen), WINDOW_BYTES, PACKET_BYTES, POINT_TO_POINT, NO_DEVICE])
    at = packet.writeUInt32BE(number, at);
  _protocol._cipher.encrypt(write.finalize(packet));
  return promise;
}
