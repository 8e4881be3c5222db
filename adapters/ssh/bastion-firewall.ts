import { isIP } from 'node:net';
import { type Endpoint, NOTHING_TO_PERMIT, type ServerText } from './authorized-keys.ts';

/** An error lists this many names and counts the others. */
const MOST_NAMES = 3;

/**
 * An nftables rule set for a bastion. It lets a user open connections to these nodes and nowhere else: neither to name
 * servers nor to the bastion itself. It matches the user who opened a socket. The SSH connections through which the user
 * logs in belong to root, since sshd accepted them before the login. Loading the rules again replaces them in one step.
 * For IPv4 they reject with a code that no network sends (`FIREWALLED` in tunnel.ts), so that a node that the rules do not
 * know yet is not reported as down.
 */
export function bastionFirewall(user: string, nodes: readonly Endpoint[]): ServerText {
  if (nodes.length === 0) return { none: NOTHING_TO_PERMIT };
  if (user === 'root') {
    return {
      none: 'a firewall cannot tell our root from that of the system; give us a user of our own there',
    };
  }
  if (!/^[\w.@$-]+$/.test(user)) {
    return {
      none: `nftables cannot name the user ${JSON.stringify(user)}; choose one of letters and digits`,
    };
  }
  const names = [...new Set(nodes.filter(({ host }) => isIP(host) === 0 || host.includes('%')))];
  if (names.length > 0) {
    const hosts = [...new Set(names.map(({ host }) => host))];
    const more = hosts.length > MOST_NAMES ? ` and ${hosts.length - MOST_NAMES} more` : '';
    const list = `${hosts.slice(0, MOST_NAMES).join(', ')}${more}`;
    return { none: `a firewall knows addresses, not names: write the address as \`host\` of ${list}` };
  }
  const table = `inet bartizan-${user.replaceAll(/[^\w-]/g, '_')}`;
  return {
    text: `table ${table}
delete table ${table}
table ${table} {
${set('nodes4', 'ipv4_addr', elementsOf(nodes, 4))}
${set('nodes6', 'ipv6_addr', elementsOf(nodes, 6))}
  chain output {
    type filter hook output priority 0; policy accept;
    meta skuid "${user}" jump confined
  }
  chain confined {
    ip daddr . tcp dport @nodes4 accept
    ip6 daddr . tcp dport @nodes6 accept
    meta nfproto ipv4 counter reject with icmp type prot-unreachable
    counter reject with icmpx type admin-prohibited
  }
}`,
  };
}

function elementsOf(nodes: readonly Endpoint[], family: number): string[] {
  const ofFamily = nodes.filter(({ host }) => isIP(host) === family);
  return [...new Set(ofFamily.map(({ host, port }) => `${host} . ${port}`))];
}

function set(name: string, type: string, addresses: readonly string[]): string {
  const elements =
    addresses.length === 0 ? '' : `    elements = {\n      ${addresses.join(',\n      ')}\n    }\n`;
  return `  set ${name} {\n    type ${type} . inet_service\n${elements}  }`;
}
