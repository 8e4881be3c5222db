import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { bastionConfig, batchOf, detailOf, targetOf } from '../../test/prober-fixture.ts';
import { keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { CLIENT_KEY, type FakeHost, startRawNode } from '../../test/ssh-fleet.ts';
import { openBastionSession } from './bastion-session.ts';
import { isPenalty, ProbeError } from './failure.ts';
import { parsePrivateKey } from './private-keys.ts';

useBastion();

interface Protocol {
  _packetRW: {
    write: { allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer };
  };
}
const { sendPacket } = createRequire(import.meta.url)('ssh2/lib/protocol/utils.js') as {
  sendPacket(protocol: Protocol, packet: Buffer): void;
};

const HOST = parsePrivateKey(newKey(), 'host key');
const HOST_KEY = { type: HOST.type, base64: HOST.getPublicSSH().toString('base64') };

/** Runs a server as node and as bastion, and returns both failures. */
async function failures(node: FakeHost) {
  const { prober } = await setupProber({ deadlines: { handshakeMs: 400 } });
  const result = await prober.probe(batchOf([targetOf('n', node)]));
  const error = await openBastionSession({
    bastion: bastionConfig(node, { deadlines: { bastionMs: 1_000 } }),
    random: () => 0,
    key: { key: parsePrivateKey(CLIENT_KEY, 'key') },
    pinned: { accepted: [HOST_KEY], revoked: [] },
  }).catch((caught: unknown) => caught);
  if (!(error instanceof ProbeError)) throw error;
  return { atNode: detailOf(result, 'n'), atBastion: error.failure.detail, penalty: isPenalty(error) };
}

const raw = (text: string) => keep(startRawNode((socket) => socket.end(text)));

/** A real handshake, then `authenticate`. */
function server(authenticate: (context: AuthContext, connection: Connection) => void): Promise<FakeHost> {
  const host = new ssh2.Server({ hostKeys: [{ key: HOST } as never] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (context) => authenticate(context, connection));
  });
  const started = startRawNode((socket) => host.injectSocket(socket));
  return keep(started.then((node) => ({ ...node, hostKey: `${HOST_KEY.type} ${HOST_KEY.base64}` })));
}

describe('the message of a server that refuses a login', () => {
  it('a penalty is quoted and recognised, and not retried', async () => {
    let connections = 0;
    const node = await keep(
      startRawNode((socket) => {
        connections++;
        socket.end('Not allowed at this time\r\n');
      }),
    );
    const expected =
      'turned us away: "Not allowed at this time"; its sshd holds a penalty against our address (PerSourcePenalties)';
    const remedy = 'PerSourcePenaltyExemptList there can exempt the bastion (`bartizan keys`)';
    expect(await failures(node)).toEqual({
      atNode: `${expected}; ${remedy}`,
      atBastion: expected,
      penalty: true,
    });
    expect(connections).toBe(2);
  });

  it('MaxStartups is quoted, and retried', async () => {
    const expected = await failures(await raw('Exceeded MaxStartups\r\n'));
    expect(expected).toMatchObject({ atNode: 'turned us away: "Exceeded MaxStartups"', penalty: false });
    expect(expected.atBastion).toMatch(
      /^turned us away: "Exceeded MaxStartups", ([2-9]|\d\d+) times; MaxStartups of its sshd/,
    );
  });

  it('HTTP is recognised', async () => {
    const expected = 'what answers there is not SSH but HTTP: "HTTP/1.1 400 Bad Request"';
    expect(await failures(await raw('HTTP/1.1 400 Bad Request\r\n\r\n'))).toMatchObject({
      atNode: expected,
      atBastion: expected,
    });
  });

  it('SMTP, which waits for input, is recognised', async () => {
    const node = await keep(startRawNode((socket) => socket.write('220 mx.example ESMTP\r\n')));
    // The deadline is scaled by how slow the machine is.
    const expected = expect.stringMatching(
      /^what answers there is not SSH but SMTP: "220 mx\.example ESMTP"; no SSH within [\d.]+ s$/,
    );
    expect(await failures(node)).toMatchObject({ atNode: expected, atBastion: expected });
  });

  it('SSH 1 alone is recognised', async () => {
    const expected = 'speaks SSH 1 only: "SSH-1.5-OpenSSH_3.4p1"';
    expect(await failures(await raw('SSH-1.5-OpenSSH_3.4p1\r\n'))).toMatchObject({
      atNode: expected,
      atBastion: expected,
    });
  });

  it('no common algorithm is not taken for MaxStartups', async () => {
    const host = new ssh2.Server(
      { hostKeys: [{ key: HOST } as never], algorithms: { cipher: ['aes256-cbc'] } },
      (connection) => connection.on('error', () => {}),
    );
    const { atBastion } = await failures(await keep(startRawNode((socket) => host.injectSocket(socket))));
    expect(atBastion).toMatch(/^no common cipher: it offers aes256-cbc; bartizan uses /);
    expect(atBastion).not.toMatch(/MaxStartups|times/);
  });

  it('a second factor', async () => {
    const expected = 'accepted our key and wants a second factor (keyboard-interactive)';
    const node = await server((context) => {
      // As OpenSSH with `AuthenticationMethods publickey,keyboard-interactive`.
      if (context.method === 'publickey' && !context.signature) context.accept();
      else context.reject(['keyboard-interactive'], true);
    });
    expect(await failures(node)).toMatchObject({ atNode: expected, atBastion: expected });
  });

  it('a second factor where an agent signs, which ssh2 does not report', async () => {
    const node = await server((context) => {
      if (context.method === 'publickey' && !context.signature) context.accept();
      else context.reject(['password'], true);
    });
    const key = parsePrivateKey(CLIENT_KEY, 'key');
    const agent = Object.assign(Object.create(ssh2.BaseAgent.prototype), {
      getIdentities: (done: (error: null, keys: unknown[]) => void) => done(null, [key]),
      sign: (_key: unknown, data: Buffer, _options: unknown, done: (error: null, signed: unknown) => void) =>
        done(null, key.sign(data)),
    });
    const session = openBastionSession({
      bastion: bastionConfig(node),
      key: { key, agent },
      pinned: { accepted: [HOST_KEY], revoked: [] },
    });
    await expect(session).rejects.toThrow('accepted our key and wants a second factor (password)');
  });

  it('an account that is refused after its key was accepted', async () => {
    const node = await server((context, connection) => {
      if (context.method === 'publickey' && !context.signature) {
        context.accept();
        return;
      }
      banner(connection, 'Your account has expired; please contact your administrator\r\n');
      connection.end();
    });
    const expected =
      'accepted our key and did not let user probe in: "Your account has expired; please contact your administrator"';
    expect(await failures(node)).toMatchObject({ atNode: expected, atBastion: expected });
  });

  it.each<[string, (connection: Connection) => void]>([
    [
      'endless long banners',
      (connection) => {
        for (let i = 0; i < 20; i++) banner(connection, 'x'.repeat(200_000));
      },
    ],
    [
      'a packet that claims to have 16 MB',
      (connection) => (connection as unknown as { _sock: Socket })._sock.write(Buffer.alloc(200_000, 1)),
    ],
  ])('%s', async (_, send) => {
    const flooding = await server((_context, connection) => send(connection));
    const expected =
      'sends a packet that is longer than we read before a login (256 KB), or no SSH; its Banner may be as long as that';
    const { atNode, atBastion } = await failures(flooding);
    expect(atBastion).toBe(expected);
    expect(atNode).toBe(expected);
  });

  it('the banner of a refusal', async () => {
    const refusing = await server((context, connection) => {
      banner(connection, '\n  Moved to gate-2  \n');
      context.reject(['publickey']);
    });
    const expected = 'refused our key for user probe; its banner: "Moved to gate-2"';
    expect(await failures(refusing)).toMatchObject({ atNode: expected, atBastion: expected });
  });
});

/** Sends USERAUTH_BANNER at any time: ssh2's server sends only one, before authentication. */
function banner(connection: Connection, text: string): void {
  const protocol = (connection as unknown as { _protocol: Protocol })._protocol;
  const { write } = protocol._packetRW;
  const length = Buffer.byteLength(text);
  const packet = write.alloc(1 + 4 + length + 4);
  const start = write.allocStart;
  packet[start] = 53;
  packet.writeUInt32BE(length, start + 1);
  packet.write(text, start + 5);
  packet.writeUInt32BE(0, start + 5 + length);
  sendPacket(protocol, write.finalize(packet));
}
