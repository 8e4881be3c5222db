import { findReferences } from '../config/secret-text.ts';
import { durationSchema } from '../duration.ts';
import type { Config } from '../model/config.ts';
import { SEND_TIMEOUT_MS } from '../notify/attempt.ts';

/**
 * One line for each setting that needs what functions on AWS lack: an agent, local files, secrets in plain text. The same holds
 * for a configuration that is deployed and for one that is only uploaded.
 */
export function awsProblems(config: Config): string[] {
  return [
    ...storeProblems(config),
    ...stateProblems(config),
    ...config.bastions.flatMap(({ name, agent, hostKeys }) => [
      ...(agent === undefined ? [] : [noAgent(`bastions ${name}`)]),
      ...(hostKeys.length > 0 ? [] : [unpinned(`bastions ${name}`)]),
    ]),
    ...config.clusters.flatMap(clusterProblems),
    ...config.channels.flatMap(channelProblems),
    ...referenceProblems(config),
    ...inventoryProblems(config),
    ...literalProblems(config),
    ...auditProblems(config),
  ];
}

/** Functions write the audit into the bucket, whose objects something else may send on. */
function auditProblems({ audit }: Pick<Config, 'audit'>): string[] {
  if (audit.syslog === undefined) return [];
  return ['audit.syslog: no function sends the audit; take the objects under `audit/` of the bucket instead'];
}

/** References of any kind, at any depth. */
export function referencesIn(value: unknown): ReturnType<typeof findReferences> {
  if (typeof value === 'string') return findReferences(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}

/** The references that some function resolves. */
function usedReferences({ bastions, clusters, inventory, checks, store, channels, server }: Config) {
  const ofChecks = checks.map(({ options }) => options);
  const sources = inventory.map(({ options }) => options);
  return referencesIn([
    bastions,
    clusters,
    sources,
    ofChecks,
    store.options,
    channels,
    server.heartbeat,
    server.oidc,
  ]);
}

function stateProblems({ state }: Config): string[] {
  if (state === undefined || state.type === 'sqlite') return [];
  return ['state: functions keep state in a table of the deployment; leave this section out'];
}

function storeProblems({ store }: Config): string[] {
  if (store.type !== 'sqlite') return [];
  return [
    'store.type: `sqlite` is a file, and functions share none; write `prometheus` with the address of a workspace of Amazon Managed Prometheus',
  ];
}

function clusterProblems({ name, agent, nodes }: Config['clusters'][number]): string[] {
  const at = `clusters ${name}`;
  const open = nodes.filter(({ hostKeys }) => hostKeys.length === 0).map((node) => node.name);
  const more = open.length > 3 ? ` and ${open.length - 3} more` : '';
  return [
    ...(agent === undefined ? [] : [noAgent(at)]),
    ...(open.length > 0 ? [unpinned(`${at}, ${open.slice(0, 3).join(', ')}${more}`)] : []),
  ];
}

/** The time-out of `deliver` covers one send of `SEND_TIMEOUT_MS`, with its values and picture (`lib/timing.ts`). */
function channelProblems({ name, options: { timeout } }: Config['channels'][number]): string[] {
  const written = durationSchema.safeParse(timeout);
  if (!written.success || written.data <= SEND_TIMEOUT_MS) return [];
  return [
    `channels ${name}.timeout: a function waits ${SEND_TIMEOUT_MS / 1000} s for an answer at most; write \`${SEND_TIMEOUT_MS / 1000}s\` or less`,
  ];
}

function noAgent(at: string): string {
  return `${at}: there is no ssh-agent on AWS; write \`privateKey\` instead`;
}

/** Without a pinned key every round would refuse the host as unknown. */
function unpinned(at: string): string {
  return `${at}: no host key is pinned, and what \`bartizan trust\` learned is a file of this machine; write \`hostKeys\``;
}

function referenceProblems(config: Config): string[] {
  const local = usedReferences(config)
    .filter(({ kind }) => kind !== 'ssm')
    .map(({ text }) => text);
  return [...new Set(local)].map(
    (text) =>
      `${text} is unknown to a function; put the value into a parameter and write \`\${ssm:/bartizan/…}\``,
  );
}

/** The function that reads clusters under a path reads everything there, and logs its errors. */
function inventoryProblems(config: Config): string[] {
  const secrets = usedReferences(config);
  return config.inventory.flatMap(({ type, options }) => {
    const { path } = options as { path?: string };
    if (type !== 'ssm' || path === undefined) return [];
    const inside = secrets.find(({ kind, name }) => kind === 'ssm' && name.startsWith(`${path}/`));
    if (!inside) return [];
    return [
      `inventory.path: \`${path}\` holds ${inside.text} too, which is no cluster; give clusters a path of their own, such as \`${path}/clusters\``,
    ];
  });
}

/** Headers with credentials. */
const CREDENTIAL_HEADER = /^(authorization|proxy-authorization|cookie|x-api-key|.*(token|secret|api-?key))$/i;

/** The file is in a bucket, and several functions may read sections of it. */
function literalProblems({ channels, checks, server, store }: Config): string[] {
  const advice = 'put it into a parameter and write `${ssm:/bartizan/…}`';
  const { heartbeat } = server;
  return [
    ...(heartbeat !== undefined && referencesIn(heartbeat).length === 0
      ? [`server.heartbeat: whoever knows the address can call it; ${advice}`]
      : []),
    ...[
      ...channels.map(({ name, options }): [string, unknown] => [`channels ${name}`, options]),
      ...checks.map(({ name, options }): [string, unknown] => [`checks ${name}`, options]),
      ['store', store.options] as [string, unknown],
    ].flatMap(([at, options]) =>
      literalsIn(options).map((field) => `${at}, ${field}: it is a secret; ${advice}`),
    ),
  ];
}

/** Fields with a literal secret: an address with a password, or a header with credentials. */
function literalsIn(options: unknown): string[] {
  return Object.entries((options ?? {}) as Record<string, unknown>).flatMap(([field, value]) => {
    if (typeof value === 'string')
      return /^[a-z][a-z0-9+.-]*:\/\/[^/@$]*@/i.test(value) && URL.parse(value)?.password ? [field] : [];
    if (field !== 'headers' || typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, text]) =>
      CREDENTIAL_HEADER.test(name) && referencesIn(text).length === 0 ? [`headers.${name}`] : [],
    );
  });
}
