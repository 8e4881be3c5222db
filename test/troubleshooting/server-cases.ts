// Errors of servers that Bartizan logs in to, and of chat services.
import { ofFailure, ofName, ofRow } from './messages.ts';
import type { Section } from './section.ts';

export const SERVERS: readonly Section[] = [
  {
    title: 'The bastion',
    about:
      '`bartizan check --connect` shows one row for each host. While the bastion fails, the nodes behind it are unknown.',
    cases: [
      {
        what: 'The name of the bastion does not resolve',
        message: ofFailure({ reason: 'unreachable', phase: 'bastion', detail: 'getaddrinfo ENOTFOUND' }),
        cause: 'The name is misspelt, or only the DNS of another network knows it.',
        cure: 'Correct `host`, or write the address. In a container, check its DNS settings.',
      },
      {
        what: 'Nothing listens there',
        message: ofRow('bastion closed'),
        cause: 'The machine is up and refuses connections to this port.',
        cure: 'Correct `host` and `port`, or start sshd there.',
      },
      {
        what: 'Nothing answers there',
        message: ofFailure({
          reason: 'timeout',
          phase: 'bastion',
          detail: 'no connection to bastion.example.net:22 within 10 s',
        }),
        cause: 'Most often a firewall drops what we send; else the machine is down.',
        cure: 'Let the machine that runs Bartizan through the firewall. `nc -vz HOST PORT` from there shows the same without Bartizan.',
      },
      {
        what: 'Something else than sshd answers',
        message: ofRow('bastion web'),
        cause: '`host` or `port` belong to another service.',
        cure: 'Correct them.',
      },
      {
        what: 'The server says nothing',
        message: ofRow('bastion mute'),
        cause:
          'A load balancer without a healthy server behind it, a service that waits for its client, or a machine that hangs.',
        cure: 'Try `ssh -v` from the same machine. If it hangs too, look after the server.',
      },
      {
        what: 'The host key is unknown',
        message: ofRow('bastion unknown'),
        cause:
          'No key of this host is in `hostKeys` or in known_hosts of the data folder. The known_hosts of your user does not count.',
        cure: 'Run `bartizan trust`, and compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host.',
      },
      {
        what: 'The host key has changed',
        message: ofRow('bastion changed'),
        cause:
          'The host was built anew, its address went to another machine, or somebody intercepts the connection.',
        cure: 'Find out which. If it was built anew, run `bartizan trust --replace`; a key in `hostKeys` must be edited there.',
      },
      {
        what: 'The bastion refuses our key',
        message: ofRow('bastion refusing'),
        cause: 'The user is another one, or authorized_keys there lacks the key with this fingerprint.',
        cure: 'Put the line that the command prints into authorized_keys of that user. If it is there, the log of sshd has the reason: often the mode of the home folder.',
      },
      {
        what: 'The bastion forbids forwarding',
        message: ofRow('node forbidden/n'),
        cause:
          'The login works, and sshd refuses the connection to the node: `AllowTcpForwarding no`, or a `permitopen` that lacks the node.',
        cure: 'Set `AllowTcpForwarding local` in its sshd_config, and renew the line from `bartizan keys` after you added nodes.',
      },
    ],
  },
  {
    title: 'A node',
    about:
      'Bartizan logs in to each node inside the connection to the bastion, with a host key and a user of its own.',
    cases: [
      {
        what: 'The bastion does not reach the node',
        message: ofRow('node prod/gone'),
        cause:
          'The address is not the one that the bastion sees, the node is down, or no sshd listens there.',
        cure: 'Correct `host` and `port` of the node. On the bastion, `nc -vz HOST PORT` shows the same.',
      },
      {
        what: 'The way to the node is blocked',
        message: ofRow('node prod/dropped'),
        cause: 'A firewall or security group between bastion and node drops what the bastion sends.',
        cure: 'Admit SSH from the bastion to the node.',
      },
      {
        what: 'The node refuses our key',
        message: ofRow('node prod/refuses'),
        cause:
          'As on the bastion. Without `user` at the node or in `defaults`, the user of the bastion counts for nodes too.',
        cure: 'Put the printed line into authorized_keys on the node, or correct `user`.',
      },
      {
        what: 'sshd turns us away',
        message: ofRow('node prod/crowded'),
        cause: 'More logins run at the same time than its `MaxStartups` allows.',
        cure: 'Raise `MaxStartups` in its sshd_config; for a bastion you can lower `maxConnections` instead.',
      },
      {
        what: 'The shell prints something of its own',
        message: ofRow('node prod/chatty'),
        cause: 'A profile, a menu or a `ForceCommand` runs in place of our script, or in front of it.',
        cure: 'Give the user a POSIX shell that prints nothing without a terminal, or take the `ForceCommand` away for this user.',
      },
      {
        what: 'The line of the key refuses our script',
        message: ofRow('node prod/old-line'),
        cause: 'authorized_keys allows the scripts of another release, or another set of checks.',
        cure: 'Replace the line by the one that `bartizan keys` prints now, or [sign the scripts](keys.md#signatures-instead-of-hashes), so that a release needs no edit.',
      },
      {
        what: 'A clock is wrong',
        message: ofRow('node prod/ahead'),
        cause:
          'The node or the machine that runs Bartizan has another time. It is a warning: samples have our time.',
        cure: 'Repair chrony or ntpd, on the one that is wrong.',
      },
      {
        what: 'No node has that name',
        message: ofName('pord'),
        cause: 'Commands take a node, a cluster, or `cluster/node`, with `*` and `?` in quotes.',
        cure: 'Take the suggestion. `bartizan probe` without a name lists all nodes.',
      },
    ],
  },
  {
    title: 'A channel',
    about:
      '`bartizan check --connect` sends no message. `bartizan notify-test CHANNEL` sends one, with a picture.',
    cases: [
      {
        what: 'The chat service is not reached',
        message: ofRow('channel dead'),
        cause: 'The address is wrong, or this machine reaches the service only through a proxy.',
        cure: 'Correct `url`, or set `proxy` of the channel or `HTTPS_PROXY` of the process.',
      },
      {
        what: 'The chat service refuses our token',
        message: ofRow('channel expired'),
        cause: 'The token is wrong, expired or withdrawn.',
        cure: 'Make a new one. It is read again at each use, so a changed file needs no restart.',
      },
      {
        what: 'The token is not there',
        message: ofRow('channel unset'),
        cause: 'The variable is not set for this process.',
        cure: 'Export it where `up` runs, or keep the token in a file: `${file:path}`.',
      },
    ],
  },
];
