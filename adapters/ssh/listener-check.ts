import type { ProbePhase } from '../../core/model/observation.ts';
import { probeError, seconds } from './failure.ts';
import { explainLogin, type LoginFailure } from './login-failure.ts';
import { watchOpening } from './opening.ts';
import type { SshStream } from './session.ts';

/** How long the server may take to close. After that we close first. */
const CLOSE_MS = 2_000;

/** SSH_MSG_DISCONNECT and SSH_DISCONNECT_BY_APPLICATION, RFC 4253, 11.1 */
const DISCONNECT = 1;
const BY_APPLICATION = 11;
/** The server writes this into its log. */
const DESCRIPTION = 'bartizan: sshd answers, no login was meant';

/**
 * Checks that a server would begin a login: reads its identification, sends ours, and disconnects before the key exchange
 * as the protocol asks. It reads all that the server sends: the kernel resets a connection that is closed with unread
 * bytes, and sshd logs that as an error. Takes over the stream, which ends in the background.
 * @throws ProbeError
 */
export function checkListener(options: {
  stream: SshStream;
  phase: ProbePhase;
  deadlineMs: number;
  /** What was missing when the deadline passed, for people; undefined: the identification. */
  missing?: () => string | undefined;
}): Promise<void> {
  const { stream, phase, deadlineMs, missing = () => undefined } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let settled = false;
  const settle = (outcome: () => void) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    outcome();
  };
  const fail = ({ reason, detail, turnedAway }: LoginFailure, cause?: Error) => {
    settle(() => reject(probeError(reason, phase, detail, { turnedAway, cause })));
    stream.destroy();
  };
  const opening = watchOpening(stream, () =>
    fail({ reason: 'output', detail: 'sends without end where SSH should begin' }),
  );
  const explained = (error?: Error) =>
    explainLogin({ user: '', identified: false, opening: opening.text(), login: undefined, error });
  const timer = setTimeout(() => {
    const what = missing() ?? 'no SSH identification';
    fail({ reason: 'timeout', detail: `${what} within ${seconds(deadlineMs)}` });
  }, deadlineMs);

  stream.on('data', () => {
    if (!opening.identified()) return;
    settle(() => {
      stream.write(Buffer.concat([Buffer.from('SSH-2.0-bartizan\r\n'), disconnectPacket(DESCRIPTION)]));
      setTimeout(() => stream.destroy(), CLOSE_MS).unref();
      resolve();
    });
  });
  stream.on('error', (error: Error) =>
    fail(explained(Object.assign(error, { level: 'client-socket' })), error),
  );
  stream.on('end', () => (settled ? stream.end() : fail(explained())));
  stream.on('close', () => fail(explained()));
  stream.resume();
  return promise;
}

/** A packet before the first key exchange: no cipher, no MAC, padded to eight bytes (RFC 4253, 6). */
function disconnectPacket(description: string): Buffer {
  const text = Buffer.from(description);
  const payload = Buffer.alloc(13 + text.length);
  payload[0] = DISCONNECT;
  payload.writeUInt32BE(BY_APPLICATION, 1);
  payload.writeUInt32BE(text.length, 5);
  text.copy(payload, 9);
  const least = 4;
  const padding = least + ((8 - ((5 + payload.length + least) % 8)) % 8);
  const packet = Buffer.alloc(5 + payload.length + padding);
  packet.writeUInt32BE(1 + payload.length + padding, 0);
  packet[4] = padding;
  payload.copy(packet, 5);
  return packet;
}
