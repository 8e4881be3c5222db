// What a failure means, and what to do about it. Pure; the words are tested as a table.
import { connectionWords } from '../adapters/connection-words.ts';
import type { Failure } from '../core/model.ts';

export interface Told {
  detail: string;
  /** Undefined: nobody but the reader can know. */
  advice?: string;
}

export interface AdviceContext {
  /** `bastion seoul`, `prod/prod-1`: how it is called on the command line. */
  name: string;
  host: string;
  port: number;
  user: string;
  /** `ssh-ed25519 SHA256:…` of the key that was offered. */
  key: string;
  /** The authorized_keys line that would let it in. */
  line: string;
}

/** The verifier in a node's authorized_keys line ends so when what came is not in its catalogue. */
const REFUSED_SCRIPT = /ended with code 126\b/;

export function bastionAdvice(failure: Failure, context: AdviceContext): Told {
  const { host, port } = context;
  const place = `${host}:${port}`;
  switch (failure.reason) {
    case 'unreachable':
      return failure.phase === 'bastion'
        ? unreachable(failure.detail, context)
        : {
            detail: `lets us in, but ${failure.detail.replace(/^the bastion /, '')}, nor to any other node`,
            advice: forwardingAdvice(context),
          };
    case 'timeout':
      if (!/no SSH session/.test(failure.detail)) return { detail: failure.detail };
      return {
        detail: `${place}: ${failure.detail}`,
        advice: `a firewall may drop what goes to ${place}: it must let this machine through`,
      };
    default:
      return hostAdvice(failure, context, 'bartizan trust');
  }
}

export function nodeAdvice(failure: Failure, context: AdviceContext): Told {
  const { reason, phase, detail } = failure;
  if (reason === 'unreachable' && /does not forward/.test(detail)) {
    return { detail, advice: forwardingAdvice(context) };
  }
  if (reason === 'unreachable') {
    return {
      detail,
      advice:
        'is the address right, is the node up, does sshd listen there? On the bastion, try: nc -vz <host> <port>',
    };
  }
  if (reason === 'timeout' && phase === 'dial') {
    return { detail, advice: 'a firewall between bastion and node may drop what goes there' };
  }
  if (reason === 'command' && REFUSED_SCRIPT.test(detail)) {
    return {
      detail: 'lets us in, and refuses our script: its authorized_keys line knows another version',
      advice: keyLineAdvice(context),
    };
  }
  if (reason === 'command' || reason === 'output') {
    return {
      detail,
      advice: `our script wants a POSIX sh that prints nothing of its own at login; look at the shell of ${context.user}`,
    };
  }
  return hostAdvice(failure, context, 'bartizan trust', context.name);
}

/** What bastions and nodes can have alike. */
function hostAdvice(failure: Failure, context: AdviceContext, trust: string, names = ''): Told {
  const { detail } = failure;
  switch (failure.reason) {
    case 'host-key-unknown':
      return {
        detail: detail.replace(/; see .*$/, ''),
        advice: `compare the fingerprint on the host, then run \`${trust}\``,
      };
    case 'host-key':
      return {
        detail,
        advice: `if it was built anew, run \`${`${trust} --replace ${names}`.trim()}\`; else somebody may stand between it and us`,
      };
    case 'auth':
      return { detail: `${detail}: ${context.key}`, advice: keyLineAdvice(context) };
    case 'protocol':
      return {
        detail,
        advice: 'does sshd answer there, and is its MaxStartups large enough?',
      };
    default:
      return { detail };
  }
}

function unreachable(detail: string, { host, port }: AdviceContext): Told {
  const code = /\bE[A-Z_]{3,}\b/.exec(detail)?.[0];
  const words = code === undefined ? detail : connectionWords(code, port);
  const advice =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'correct `host`, or the DNS of this machine'
      : `correct \`host\` and \`port\`, or start sshd on ${host}`;
  return { detail: `${host}:${port}: ${words}`, advice };
}

function forwardingAdvice({ line }: AdviceContext): string {
  return `allow it on the bastion: AllowTcpForwarding yes (or local) in sshd_config, and this line in authorized_keys:\n${line}`;
}

function keyLineAdvice({ user, line }: AdviceContext): string {
  return `put this line into ~${user}/.ssh/authorized_keys there:\n${line}`;
}
