// Whether the ports that checks of a node connect to answer, and whether the forwarding for them would make a thief root.
import type { ServiceAnswer } from '../adapters/ssh/service-scan.ts';
import type { ConnectRow } from './connect-row.ts';

interface Forwarding {
  user: string;
  /** Whether sshd forwards Unix sockets for our key there. */
  forwardsSockets: boolean;
  acceptsRoot: boolean;
}

/** Adds the answers to the row of a node that let us in. Forwarding that makes our key root fails, unless it is accepted. */
export function withServices(
  row: ConnectRow,
  answers: readonly ServiceAnswer[],
  forwarding: Forwarding,
): ConnectRow {
  if (answers.length === 0) return row;
  const risk = answers.some(({ via }) => via === 'node') ? rootRisk(forwarding) : undefined;
  const isRefused = risk !== undefined && !forwarding.acceptsRoot;
  const silent = answers.filter(({ outcome }) => outcome !== 'answers');
  const missing = silent.filter(({ optional }) => !optional);
  const isForbidden = silent.some(({ outcome }) => outcome === 'forbidden');
  const details = [
    row.detail,
    ...(risk === undefined
      ? []
      : [isRefused ? `\`via: node\` is refused: ${risk}` : `accepted by the configuration: ${risk}`]),
    ...answers.filter((answer) => !isAbsent(answer)).map(answerText),
    ...absentText(answers.filter(isAbsent)),
  ];
  const advice = [
    row.advice,
    isRefused ? adviceOn(forwarding) : undefined,
    isForbidden
      ? 'let our key connect to what its checks need: block and line that `bartizan keys` prints (docs/keys.md)'
      : undefined,
    missing.length > 0 && !isForbidden ? 'correct `port` and `via` of the check, or its `where`' : undefined,
  ].filter((text) => text !== undefined);
  const worst = isRefused || isForbidden ? 'failed' : missing.length > 0 || risk ? 'warning' : 'ok';
  return {
    ...row,
    state: row.state === 'failed' || worst === 'ok' ? row.state : worst,
    detail: details.join('; '),
    ...(advice.length > 0 && { advice: advice.join('; ') }),
    services: answers,
  };
}

/** Why whoever steals our key would be root on the node; undefined: nothing shows that. */
function rootRisk({ user, forwardsSockets }: Forwarding): string | undefined {
  if (user === 'root')
    return 'our user is root, and nothing but the line of its key confines what sshd forwards';
  if (forwardsSockets) {
    return 'sshd forwards Unix sockets for our key, and that of docker or containerd makes a user root';
  }
  return undefined;
}

function adviceOn({ user }: Forwarding): string {
  const remedy =
    user === 'root'
      ? 'log in there as a user of our own'
      : 'put the block of sshd_config that `bartizan keys` prints in place on the node first';
  return `${remedy}, or accept the risk: \`acceptsRootByForwarding: true\` in the cluster (docs/security.md)`;
}

/** Whether nothing answers where nothing has to. */
function isAbsent({ optional, outcome }: ServiceAnswer): boolean {
  return optional === true && outcome !== 'answers' && outcome !== 'forbidden';
}

/** One part of the row, as most nodes have some of these ports only. */
function absentText(absent: readonly ServiceAnswer[]): string[] {
  return [...Map.groupBy(absent, ({ host }) => host)].map(
    ([host, at]) => `no answer on ${at.map(({ port }) => port).join(', ')} of ${host}, which need not be`,
  );
}

function answerText({ via, host, port, outcome, detail }: ServiceAnswer): string {
  return outcome === 'answers' ? `${host}:${port} answers the ${via}` : detail;
}
