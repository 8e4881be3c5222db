// Explains a failure, and gives advice. Pure; a table tests the texts.

import { explainConnectionError } from '../adapters/http/connection-errors.ts';
import type { Failure } from '../core/model/observation.ts';

export interface Advice {
  detail: string;
  /** Undefined when only the reader can know. */
  advice?: string;
}

export interface AdviceContext {
  /** The name on the command line: `bastion seoul`, `prod/prod-1`. */
  name: string;
  host: string;
  port: number;
  user: string;
  /** `ssh-ed25519 SHA256:…` of the key that we offered. */
  key: string;
  /** The authorized_keys line that would accept it. */
  line: string;
}

/** The prober's message about a node whose authorized_keys line does not have the hash of our script. */
const REFUSED_SCRIPT = /authorized_keys line does not allow our script (\S+)/;

/** What `explainSignatureRefusal` writes, with the advice at its end. */
const REFUSED_SIGNATURE =
  /^(its authorized_keys line (?:runs signed scripts alone|finds no valid signature)|the signature of ).*/;

/**
 * For a server that has no algorithm in common with us: the missing kind, as the failure names it, and how to add an
 * algorithm.
 */
const REMEDIES: Readonly<Record<string, string>> = {
  'key exchange': 'add `KexAlgorithms +curve25519-sha256` to its sshd_config',
  'type of host key': 'give it an ed25519 host key (`ssh-keygen -A`)',
  cipher: 'add `Ciphers +aes128-gcm@openssh.com` to its sshd_config',
  MAC: 'add `MACs +hmac-sha2-256-etm@openssh.com` to its sshd_config',
  compression: 'write `Compression no` into its sshd_config',
};

export function bastionAdvice(failure: Failure, context: AdviceContext): Advice {
  const { host, port } = context;
  const endpoint = `${host}:${port}`;
  switch (failure.reason) {
    case 'forbidden':
      return {
        detail: `lets us in, but ${failure.detail}`,
        advice: forwardingAdvice(context, failure.detail),
      };
    case 'unreachable':
      return failure.phase === 'bastion'
        ? unreachable(failure.detail, context)
        : {
            detail: `lets us in, but ${failure.detail.replace(/^the bastion /, '')}, nor to any other node`,
            advice: forwardingAdvice(context),
          };
    case 'timeout':
      if (/does not resolve/.test(failure.detail))
        return { detail: failure.detail, advice: 'correct `host`, or the DNS of this machine' };
      if (/^no connection/.test(failure.detail))
        return {
          detail: failure.detail,
          advice: `a firewall may drop what goes to ${endpoint}: it must let this machine through`,
        };
      return hostAdvice({ ...failure, detail: `${endpoint}: ${failure.detail}` }, context);
    default:
      return hostAdvice(failure, context);
  }
}

export function nodeAdvice(failure: Failure, context: AdviceContext): Advice {
  const { reason, phase, detail } = failure;
  if (reason === 'forbidden') return { detail, advice: forwardingAdvice(context, detail) };
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
  if (reason === 'timeout' && phase === 'exec') {
    return { detail, advice: 'the node may be overloaded, or a mount or disk of it may hang' };
  }
  const refused = reason === 'command' ? REFUSED_SCRIPT.exec(detail)?.[1] : undefined;
  if (refused !== undefined) {
    return {
      detail: `lets us in, and its authorized_keys line does not allow our script ${refused}`,
      advice: keyLineAdvice(context),
    };
  }
  if (reason === 'command' && REFUSED_SIGNATURE.test(detail)) return signatureAdvice(detail);
  if (/^the node opens no session/.test(detail))
    return { detail, advice: 'raise MaxSessions in its sshd_config; a `Match` block there may have its own' };
  if (phase === 'exec' && (reason === 'command' || reason === 'output')) {
    return {
      detail,
      advice: `the shell of ${context.user}, a ForceCommand or its authorized_keys line is in the way: our script wants a POSIX sh that prints nothing of its own at login`,
    };
  }
  return hostAdvice(failure, context, context.name);
}

/** Advice on a check that failed on a node which lets us in and runs our scripts. */
export function checkAdvice(failure: Failure, context: AdviceContext): Advice {
  const { reason, phase, detail } = failure;
  const isOfScript = phase === 'exec' && (reason === 'command' || reason === 'output');
  const isOfLine = REFUSED_SCRIPT.test(detail) || REFUSED_SIGNATURE.test(detail);
  if (!isOfScript || isOfLine) return nodeAdvice(failure, context);
  // Its words have what to do: the shell of our user has just run another script.
  return { detail };
}

function signatureAdvice(detail: string): Advice {
  const sign = 'sign the scripts again where the signing key is: `bartizan catalogue sign`';
  if (/there is no ssh-keygen|is older than OpenSSH 8\.1|no pipes/.test(detail))
    return { detail: `lets us in, but ${detail}` };
  if (/set the clock of the node$/.test(detail))
    return { detail, advice: 'check the time service (chrony, ntpd) on the node' };
  if (/does not name the key/.test(detail))
    return {
      detail: `lets us in, but ${detail}`,
      advice: 'print the line with the public key that signs now',
    };
  return { detail: `lets us in, but ${detail.replace(/; sign them again: .*$/, '')}`, advice: sign };
}

/** Advice for bastions and nodes. */
function hostAdvice(failure: Failure, context: AdviceContext, names = ''): Advice {
  const { detail } = failure;
  const { user } = context;
  switch (failure.reason) {
    case 'host-key-unknown':
      return {
        detail: detail.replace(/; see .*$/, ''),
        advice: 'compare the fingerprint on the host, then run `bartizan trust`',
      };
    case 'host-key':
      return {
        detail,
        advice: `if it was built anew, run \`${`bartizan trust --replace ${names}`.trim()}\`; else somebody may stand between it and us`,
      };
    case 'auth':
      if (/wants a second factor/.test(detail))
        return {
          detail,
          advice: `let ${user} in by its key alone: in sshd_config there, \`Match User ${user}\` and \`AuthenticationMethods publickey\``,
        };
      if (/^accepted our key/.test(detail))
        return { detail, advice: `check the account ${user} there, and at the log of its sshd` };
      return { detail: `${detail}: ${context.key}`, advice: refusedAdvice(context) };
    case 'penalty':
      return {
        detail,
        advice:
          'wait until the penalty is over; PerSourcePenaltyExemptList in its sshd_config keeps our address from the next',
      };
    case 'protocol':
    case 'timeout':
    case 'output':
      return { detail, advice: handshakeAdvice(detail) };
    default:
      return { detail };
  }
}

/** Advice when the handshake failed before a login. */
function handshakeAdvice(detail: string): string {
  const lacks = /^no common ([\w ]+):/.exec(detail)?.[1];
  const remedy = lacks && REMEDIES[lacks];
  if (remedy) return `${remedy}, and reload sshd; docs/ssh.md has the alternatives`;
  if (/its Banner may be/.test(detail)) return 'shorten the Banner in its sshd_config to 240 KB';
  if (/^speaks SSH 1 only/.test(detail)) return 'its sshd must be replaced by one that speaks SSH 2';
  if (/MaxStartups|turned us away/.test(detail))
    return 'raise MaxStartups in its sshd_config, or lower `maxConnections` here; others may be logging in too';
  if (/says nothing/.test(detail))
    return '`host` and `port` may belong to something other than sshd; otherwise its machine may hang or be overloaded';
  if (/is not SSH|without end/.test(detail))
    return 'correct `host` and `port`: something other than sshd answers there';
  if (/without a word|ECONNRESET/.test(detail))
    return 'the log of its sshd has the reason; MaxStartups may be too low, or a firewall ends connections';
  return 'does sshd answer there? Its log may have the reason';
}

function unreachable(detail: string, { host, port }: AdviceContext): Advice {
  const code = /\bE[A-Z_]{3,}\b/.exec(detail)?.[0];
  const explained = code === undefined ? detail : explainConnectionError(code, port);
  const advice =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'correct `host`, or the DNS of this machine'
      : `correct \`host\` and \`port\`, or start sshd on ${host}`;
  return { detail: `${host}:${port}: ${explained}`, advice };
}

function forwardingAdvice({ line }: AdviceContext, detail = ''): string {
  if (/the bastion's firewall/.test(detail))
    return 'print `bartizan keys --nft` again, and load its rules on the bastion';
  return `allow it on the bastion: AllowTcpForwarding yes (or local) in sshd_config, and this line in authorized_keys:\n${line}`;
}

function refusedAdvice(context: AdviceContext): string {
  const { user } = context;
  const root = user === 'root' ? ', and PermitRootLogin must not be `no`' : '';
  return `is ${user} the right \`user\`? If it is, ${keyLineAdvice(context, root)}`;
}

/** sshd uses only the first line of a key. */
function keyLineAdvice({ user, line }: AdviceContext, also = ''): string {
  const home = user === 'root' ? '/root' : `~${user}`;
  return `put this line into ${home}/.ssh/authorized_keys there, in place of any other of this key${also}:\n${line}`;
}
