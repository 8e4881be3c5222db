// Channels that a fake SSH server refuses as sshd does; ssh2's own `reject` gives no other reason than a failed connection, and no text.
import type { Connection } from 'ssh2';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED and SSH_OPEN_CONNECT_FAILED, RFC 4254, 5.1 */
const FORBIDDEN = 1;
const CONNECT_FAILED = 2;

export const forbid = (connection: Connection, reject: () => void) =>
  refuse(connection, reject, FORBIDDEN, '');

export const failToConnect = (connection: Connection, reject: () => void, text: string) =>
  refuse(connection, reject, CONNECT_FAILED, text);

function refuse(connection: Connection, reject: () => void, reason: number, text: string): void {
  const { _protocol: protocol } = connection as unknown as {
    _protocol: { channelOpenFail(recipient: number, reason: number, text: string): void };
  };
  const send = protocol.channelOpenFail;
  protocol.channelOpenFail = (recipient) => send.call(protocol, recipient, reason, text);
  reject();
  protocol.channelOpenFail = send;
}
