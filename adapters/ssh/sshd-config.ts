// Blocks for sshd_config(5) on bastions and nodes: they forbid what no option of an authorized_keys line can.
import { type Endpoint, permitsOf, type ServerText } from './authorized-keys.ts';

/** Blanks, and characters with a special meaning in a pattern or line of sshd_config. */
const NO_PLAIN_NAME = /[\s*?!,"'#]/;

/**
 * The block that permits a user of the bastion nothing but `-L`, to hosts that the key's line permits. `MaxSessions 0`
 * forbids all that needs a session: command, shell, subsystem, terminal, agent, X11, environment, `~/.ssh/rc`. The other
 * lines forbid the same again, in case somebody raises it. OpenSSH 8.0 and later accept each keyword in a `Match` block.
 */
export function bastionSshdConfig(user: string): ServerText {
  if (user === 'root') {
    return { none: 'it would lock out whoever else logs in as root; give us a user of our own there' };
  }
  const lines = [
    'AuthenticationMethods publickey',
    'AllowTcpForwarding local',
    'AllowStreamLocalForwarding no',
    'AllowAgentForwarding no',
    'GatewayPorts no',
    'X11Forwarding no',
    'PermitTunnel no',
    'PermitTTY no',
    'PermitUserRC no',
    'MaxSessions 0',
    'ForceCommand exit 1',
  ];
  return matchUsers([user], lines);
}

/**
 * On nodes `restrict` forbids everything but tunnel devices, which `PermitTunnel` alone controls. Where checks connect to
 * services from the node (`forwards`), the line permits forwarding again. Then this block is needed: no option of a line
 * forbids Unix sockets that the key makes, and a user who reaches the socket of docker or containerd is root.
 */
export function nodeSshdConfig(users: readonly string[], forwards: readonly Endpoint[] = []): ServerText {
  if (forwards.length === 0) return matchUsers(users, ['PermitTunnel no']);
  if (users.includes('root'))
    return {
      none: 'it would forbid forwarding to whoever else logs in as root; give us a user of our own there',
    };
  return matchUsers(users, [
    'AllowTcpForwarding local',
    `PermitOpen ${permitsOf(forwards).join(' ')}`,
    'AllowStreamLocalForwarding no',
    'AllowAgentForwarding no',
    'GatewayPorts no',
    'X11Forwarding no',
    'PermitTunnel no',
  ]);
}

function matchUsers(users: readonly string[], lines: readonly string[]): ServerText {
  if (users.length === 0) return { none: 'nobody logs in there' };
  const strange = users.find((user) => NO_PLAIN_NAME.test(user));
  if (strange !== undefined) {
    return {
      none: `the name ${JSON.stringify(strange)} has a character that means something in sshd_config`,
    };
  }
  return { text: [`Match User ${users.join(',')}`, ...lines.map((line) => `  ${line}`)].join('\n') };
}

/**
 * OpenSSH ≥ 9.8 refuses an address for a while after failed logins, and all our connections come from the bastion's. The
 * keyword is valid in the global section only, and an older sshd does not start with it: hence a comment.
 */
export function penaltyExemption(bastionAddress: string): string {
  return `# PerSourcePenaltyExemptList ${bastionAddress}`;
}
