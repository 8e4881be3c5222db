// The sections of `bartizan.yaml` as people write them. The reference and the JSON Schema contain the descriptions.

import { z } from 'zod';
import { byteSizeSchema, durationSchema } from '../duration.ts';
import { CHART_THEMES } from '../model/chart-theme.ts';
import { ROLES } from '../model/target.ts';
import { MAX_NEW_LABEL_SETS } from '../parse/label-sets.ts';
import { MOST_PERCENT } from '../plan/removal-guard.ts';
import { bastionsSchema } from './cluster-bastions.ts';
import {
  hostSchema,
  portSchema,
  positiveDurationSchema,
  repeatIntervalSchema,
  timeSchema,
  timeZoneSchema,
} from './field-schemas.ts';
import { hostKeySchema } from './host-key.ts';
import { inventoryLabelsSchema } from './inventory-labels.ts';
import {
  agentSchema,
  checkLogin,
  passphraseSchema,
  privateKeySchema,
  publicKeySchema,
} from './login-schema.ts';
import { labelGlobsSchema, nameSchema } from './rule-fields.ts';
import { wholeCheck } from './whole-check.ts';

const hostKeys = z
  .array(hostKeySchema)
  .describe('Pinned host keys, `type base64` each, beside the keys that `bartizan trust` learned')
  .default([]);
const user = z.string().min(1).describe('User to log in as');

export const bastionSchema = z
  .strictObject({
    name: nameSchema.describe('Name that clusters refer to'),
    host: hostSchema.describe('Host name or address'),
    port: portSchema.describe('SSH port').default(22),
    user: user.meta({ examples: ['probe'] }),
    privateKey: privateKeySchema.describe('Private key to log in with, OpenSSH or PEM; this or `agent`'),
    passphrase: passphraseSchema,
    agent: agentSchema,
    publicKey: publicKeySchema,
    hostKeys,
    maxConnections: z.int().min(1).max(1000).describe('SSH connections to it at once').default(8),
    batchSize: z.int().min(1).max(10_000).describe('Nodes probed over one connection at most').default(100),
    concurrency: z
      .int()
      .min(1)
      .max(1000)
      .describe(
        'Nodes of one batch probed at once; one that takes more than 2 s no longer counts, up to four times that many',
      )
      .default(32),
    deadlines: z
      .strictObject({
        bastion: positiveDurationSchema
          .describe('Until the login to the bastion is complete')
          .prefault('10s'),
        dial: positiveDurationSchema.describe('Until the bastion has reached a node').prefault('5s'),
        handshake: positiveDurationSchema.describe('Until the login to a node is complete').prefault('10s'),
        exec: positiveDurationSchema.describe('Until the check has run').prefault('15s'),
      })
      .describe('How long each phase of a probe may take')
      .prefault({}),
    maxOutput: byteSizeSchema
      .refine((bytes) => bytes >= 4096, { error: 'a check needs at least `4KiB`' })
      .describe(
        'How much output one check on one node may print; more is cut off, and the check of the node fails',
      )
      .prefault('1MiB'),
  })
  .superRefine(...checkLogin(true))
  .transform(({ deadlines: { bastion, dial, handshake, exec }, maxOutput, ...rest }) => ({
    ...rest,
    deadlines: { bastionMs: bastion, dialMs: dial, handshakeMs: handshake, execMs: exec },
    maxOutputBytes: maxOutput,
  }));

export const nodeSchema = z.strictObject({
  name: nameSchema.describe('Its label `node`; unique in its cluster'),
  role: z.enum(ROLES).describe('What it does in the control plane'),
  host: hostSchema.describe('Host name or address, as the bastion sees it'),
  port: portSchema.describe("SSH port; by default the cluster's, else 22").optional(),
  user: user.describe("User to log in as; by default the cluster's, else the bastion's").optional(),
  labels: inventoryLabelsSchema
    .describe('Labels of your own, beside those of its cluster; where both have one, this counts')
    .optional(),
  hostKeys,
});

const clusterFields = z.strictObject({
  name: nameSchema.describe('Its label `cluster`'),
  bastion: bastionsSchema,
  privateKey: privateKeySchema.describe(
    'Private key for the nodes; by default they take the login of the bastion',
  ),
  passphrase: passphraseSchema,
  agent: agentSchema,
  publicKey: publicKeySchema,
  defaults: z
    .strictObject({ user: user.optional(), port: portSchema.describe('SSH port').optional() })
    .describe('Defaults for its nodes')
    .prefault({}),
  labels: inventoryLabelsSchema
    .describe(
      'Labels of your own for all its nodes, 10 at most and 500 bytes with their names, such as `zone` or `customer`: rules, routes, silences and messages can use them',
    )
    .optional(),
  acceptsRootByForwarding: z
    .boolean()
    .describe(
      'Accepts that whoever steals the key for the nodes may become root there: checks with `via: node` need port forwarding, and where the user is root, or sshd forwards Unix sockets such as that of docker, the line of the key alone confines it',
    )
    .optional(),
});

/** A cluster without its nodes, some of which may be wrong. */
export const clusterAloneSchema = clusterFields.superRefine(...checkLogin(false));

export const clusterSchema = clusterFields
  .extend({ nodes: z.array(nodeSchema).min(1).describe('Its control-plane VMs') })
  .superRefine(...checkLogin(false));

/** Sources of clusters share no field yet. */
export const inventorySchema = z.strictObject({});

/** The interval of a check; each kind has its default. */
export const everySchema = durationSchema
  .refine((ms) => ms >= 1000, { error: 'a check runs once a second at most; write `1s` or longer' })
  .refine((ms) => ms < 1000 || ms % 1000 === 0, {
    error: 'rounds are whole seconds apart; write `1s` or `90s`',
  })
  .describe('How often it runs. Rounds fall on multiples of it since 1970');

export const checkSchema = z.strictObject({
  name: nameSchema.describe('Name of the check'),
  every: everySchema.prefault('1m'),
  where: labelGlobsSchema.describe('Only nodes whose `cluster`, `node` and `role` match').prefault({}),
  maxNewLabelSets: z
    .int()
    .min(10)
    .max(100_000)
    .describe(
      'How many new label sets (mounts, interfaces, disks) one node may report in an hour; known ones stay, more are left out and counted',
    )
    .default(MAX_NEW_LABEL_SETS),
  whereNot: labelGlobsSchema
    .describe(
      'Leaves out nodes with a matching `cluster`, `node` or `role`, and samples with a matching `mount`, `device` or `file`',
    )
    .optional(),
});

export const channelSchema = z.strictObject({
  name: nameSchema.describe('Name that routes refer to'),
  fallback: z
    .string()
    .describe('Channel for messages that this one refuses for good, or has not accepted within five minutes')
    .optional(),
  theme: z.enum(CHART_THEMES).describe('Colours of its charts').default('dark'),
  required: z
    .boolean()
    .describe(
      'Whether `/healthz` fails when an alert reaches nobody because this channel does not accept it; with `false` it is a warning',
    )
    .default(true),
});

export const routeSchema = z
  .strictObject({
    name: nameSchema.describe('Name of the route'),
    match: labelGlobsSchema
      .describe('Labels and globs, also `rule` and `severity`; all must match')
      .prefault({}),
    channels: z
      .array(z.string())
      .describe('Channels that get the alerts; `[]` sends them to nobody on purpose'),
    continue: z.boolean().describe('Whether later routes may take the alert as well').default(false),
    groupBy: z
      .array(z.string())
      .describe('Alerts that agree in these labels share one message')
      .default(['rule', 'cluster']),
    groupWait: durationSchema.describe('How long the first message of a group waits for more').prefault('0s'),
    groupInterval: durationSchema.describe('Least time between messages of a group').prefault('5m'),
    repeatInterval: repeatIntervalSchema
      .describe('Time until a reminder of alerts that still fire, `1m` at least, or `never`')
      .prefault('4h'),
    resolvedEarly: z
      .boolean()
      .describe(
        'Whether the message that all alerts of a group resolved is sent at once rather than after `groupInterval`; at most once in each interval',
      )
      .default(true),
  })
  .transform(({ groupWait, groupInterval, repeatInterval, ...rest }) => ({
    ...rest,
    groupWaitMs: groupWait,
    groupIntervalMs: groupInterval,
    repeatIntervalMs: repeatInterval,
  }));

export const silenceSchema = z
  .strictObject({
    match: labelGlobsSchema.describe('Labels and globs, also `rule` and `severity`; all must match'),
    from: timeSchema.describe('Start, ISO 8601 with its zone'),
    until: timeSchema.describe('End, ISO 8601 with its zone'),
    comment: z.string().describe('Why').default(''),
  })
  .superRefine(
    ...wholeCheck<{ from: number; until: number }>(({ from, until }, issue) => {
      if (from >= until) issue(['until'], 'it ends before it starts; `until` comes after `from`');
    }),
  )
  .transform(({ match, from, until, comment }) => ({ match, fromMs: from, untilMs: until, comment }));

export const storeSchema = z.strictObject({
  path: z.string().min(1).describe('Folder of the data').default('./data'),
  retention: positiveDurationSchema.describe('How long samples are kept').prefault('7d'),
  rollUpRetention: positiveDurationSchema
    .describe('How long average, maximum and p95 of every five minutes are kept')
    .prefault('90d'),
});

export const scheduleSchema = z
  .strictObject({
    jitter: durationSchema
      .describe(
        'Rounds start later by up to this, always by the same amount, so that many runners do not start at once',
      )
      .prefault('1s'),
    timeZone: timeZoneSchema.describe('IANA time zone of messages and charts').default('UTC'),
    lateness: positiveDurationSchema
      .describe('How late samples may arrive and still be evaluated')
      .prefault('15m'),
  })
  .transform(({ jitter, timeZone, lateness }) => ({ jitterMs: jitter, timeZone, latenessMs: lateness }));

/** With a longer one, `up` could stay 1 for more than an hour after logins begin to fail. */
const LONGEST_RENEWAL_MS = 3_600_000;

export const sessionsSchema = z
  .strictObject({
    renew: positiveDurationSchema
      .refine((ms) => ms <= LONGEST_RENEWAL_MS, 'this must be an hour at most: `up` may be late by so much')
      .describe(
        'Time after which a new login replaces an open session, node by node. It may take `up` so long to notice a revoked key, an expired account or a firewall rule',
      )
      .prefault('10m'),
    door: z
      .enum(['on', 'off'])
      .describe(
        'Whether, between logins, `up` also proves once a minute that the SSH server of a node answers a new connection. fail2ban counts that in its modes `ddos` and `aggressive`: exempt the bastion there first',
      )
      .default('off'),
  })
  .transform(({ renew, door }) => ({ renewMs: renew, door: door === 'on' }));

export const removalSchema = z.strictObject({
  mostPercent: z
    .number()
    .min(0)
    .max(100)
    .describe(
      'Share of the nodes, in percent, that a change may take away within an hour; two nodes may always go, all of them never. `100` allows everything',
    )
    .default(MOST_PERCENT),
});

export const signaturesSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe(
      'What `bartizan catalogue sign` wrote; a relative path starts from the folder of this file. Read again when it changes',
    )
    .meta({ examples: ['signatures.json'] }),
});
