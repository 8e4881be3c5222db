// The shapes of `--json` output, one for each command: docs/cli.md shows them; the compiler and tests check the commands.
// Fields may be added; to rename or remove one needs a note in the changelog. Times that end in `Ms` are Unix ms.

import { z } from 'zod';
import { CAPABILITIES } from '../adapters/ssh/confinement.ts';
import { FAILURES, PHASES } from '../core/model/observation.ts';
import { MATCHER_OPS } from '../core/model/silence.ts';
import { ROLES } from '../core/model/target.ts';
import { SCOPES } from '../core/model/token.ts';
import { alertSchema, routeStepSchema } from '../history/api/alert-schema.ts';
import { listedSilenceSchema, silenceSchema } from '../history/api/silence-schema.ts';
import { costShape } from './cost-shape.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const labels = z.record(z.string(), z.string()).readonly();
const problem = z.strictObject({
  severity: z.enum(['error', 'warning']),
  file: z.string(),
  line: z.number().describe('from 1'),
  column: z.number().describe('from 1'),
  path: z.string().describe('`clusters[0].nodes[2].role`; empty for the file as a whole'),
  message: z.string(),
  suggestion: z.string().optional(),
});
const failure = z.strictObject({
  reason: z.enum(FAILURES),
  phase: z.enum(PHASES),
  detail: z.string(),
});
const sample = z.strictObject({ metric: z.string(), labels, timeMs: z.number(), value: z.number() });

export const checkShape = list(
  z.strictObject({
    file: z.string(),
    ok: z.boolean().describe('no error, and every connection works'),
    problems: list(problem),
    connect: list(
      z.strictObject({
        kind: z.enum(['data', 'inventory', 'bastion', 'node', 'channel']),
        name: z.string(),
        state: z.enum(['ok', 'warning', 'failed', 'unknown']),
        detail: z.string(),
        advice: z.string().optional().describe('the last line may be one to copy'),
        open: list(z.enum(CAPABILITIES))
          .optional()
          .describe('bastion or node: rights of our key that probing does not need'),
        unanswered: list(z.string()).optional().describe('bastion or node: rights for which no answer came'),
        services: list(
          z.strictObject({
            via: z.enum(['bastion', 'node']),
            host: z.string(),
            port: z.number(),
            optional: z.literal(true).optional().describe('a node may have no service there'),
            outcome: z.enum(['answers', ...FAILURES]),
            detail: z.string(),
          }),
        )
          .optional()
          .describe('node: the ports that its checks connect to'),
      }),
    )
      .optional()
      .describe('with `--connect`, if the file has no error'),
  }),
);

const connectedKey = {
  what: z.string().describe('`bastion seoul`, `prod/prod-1`'),
  address: z.string().describe('`host:port`'),
};
export const trustShape = z.strictObject({
  shown: list(
    z.strictObject({
      ...connectedKey,
      type: z.string(),
      fingerprint: z.string(),
      key: z.string().describe('`type base64`, the format of `hostKeys`'),
      verdict: z.enum(['pinned', 'changed', 'unknown', 'revoked']),
      pinned: list(z.string()).describe('`type fingerprint` of the pinned keys'),
      inConfiguration: z.boolean(),
      outcome: z.enum(['already known', 'learned', 'refused']),
    }),
  ),
  failed: list(
    z.strictObject({
      ...connectedKey,
      reason: z.enum([...FAILURES, 'config', 'bastion']),
      detail: z.string(),
    }),
  ),
});

export const probeShape = list(
  z.strictObject({
    bastion: z.strictObject({ name: z.string(), ok: z.boolean(), failure: failure.optional() }),
    nodes: list(
      z.strictObject({
        cluster: z.string(),
        node: z.string(),
        role: z.enum(ROLES),
        check: z.string(),
        observedAt: z.string().describe('ISO 8601'),
        durationMs: z.number(),
        ok: z.boolean(),
        samples: list(sample).optional().describe('where ok'),
        notes: list(z.string()).optional().describe('where ok'),
        failure: failure.optional().describe('where not ok'),
      }),
    ),
    samples: list(sample).describe('the samples that `up` would store'),
    costs: list(costShape).optional().describe('with `--cost`, for checks that worked'),
  }),
);

export const alertsShape = list(alertSchema);

export const silenceAddShape = z.strictObject({
  silence: silenceSchema,
  covers: list(z.string()).describe('ids of the alerts that it covers now'),
  warnings: list(z.string()),
});
export const silenceEndShape = silenceSchema.describe('as it was');
export const silencesShape = list(listedSilenceSchema);

const matcher = z.strictObject({ name: z.string(), op: z.enum(MATCHER_OPS), value: z.string() });

export const tokenShape = z.strictObject({
  id: z.string(),
  name: z.string(),
  status: z.enum(['valid', 'expired', 'revoked']),
  scope: z.enum(SCOPES),
  selector: list(matcher).optional().describe('absent: it sees the whole fleet'),
  createdAtMs: z.number(),
  author: z.string(),
  expiresAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
  lastUsedAtMs: z.number().optional().describe('as of the hour; absent: never'),
});
export const tokensShape = list(tokenShape);
export const tokenAddShape = tokenShape.extend({ token: z.string().describe('the secret, shown this once') });

export const routesTestShape = z.strictObject({
  labels: labels.describe('as routes compare them, with those that rule and node imply'),
  routes: list(routeStepSchema),
  hearers: list(z.strictObject({ channel: z.string(), route: z.string(), fallbacks: list(z.string()) })),
  withheldBy: list(
    z.strictObject({
      by: z.enum(['silence', 'inhibition']),
      name: z.string().describe('id of the silence, or name of the rule'),
      now: z.boolean().describe('inhibition: whether that rule fires for the same cluster and node'),
      untilMs: z.number().optional().describe('only for a silence'),
      what: z.string().optional().describe('silence: its matchers and comment'),
    }),
  ),
});

export const queryShape = list(
  z.strictObject({
    metric: z.string(),
    unit: z.string(),
    labels,
    points: list(z.strictObject({ timeMs: z.number(), value: z.number() })),
    ageMs: z.number().optional().describe('how old the newest point is'),
  }),
);

export const notifyTestShape = z.strictObject({
  channel: z.string(),
  type: z.string(),
  delivered: z.boolean().describe('false with `--dry-run`'),
  detail: z.string().optional().describe('the answer of the service, or why the message was not delivered'),
  preview: z.string().optional().describe('with `--dry-run`: the message that would be sent'),
});

export const dataCheckShape = list(
  z.strictObject({
    name: z.string().describe('`samples`, `state`, or the file of an audit'),
    state: z.enum(['fine', 'missing', 'damaged']),
    detail: z
      .string()
      .optional()
      .describe('the first error that SQLite found, or the first problem of the audit'),
  }),
);

export const deadLettersShape = list(
  z.strictObject({
    stage: z.string(),
    bastion: z.string().optional().describe('`probe` has a queue for each bastion'),
    queue: z.string().describe('name of the dead-letter queue'),
    count: z.number().describe('before `--redrive` or `--discard`; approximate'),
    oldestMs: z.number().optional().describe('oldest of up to ten messages'),
    messages: list(z.strictObject({ id: z.string(), sentMs: z.number(), text: z.string() }))
      .optional()
      .describe('with `--show`'),
    would: z.number().optional().describe('with `--dry-run`: messages that would be moved'),
    sentBack: z.number().optional().describe('with `--redrive`, if the queue was not empty'),
    twice: z.number().optional().describe('sent back but not deleted, so handled twice'),
    discarded: z.number().optional().describe('with `--discard`'),
    failed: z.number().optional().describe('neither sent back nor deleted'),
    errors: list(z.string()).optional(),
  }),
);

const row = z.strictObject({
  at: z.string(),
  series: z.string(),
  ok: z.boolean(),
  expected: z.string().optional(),
  got: z.string().optional(),
});
export const rulesTestShape = z.strictObject({
  passed: z.number(),
  failed: z.number(),
  problems: list(problem.omit({ severity: true })),
  stories: list(
    z.strictObject({
      file: z.string(),
      line: z.number(),
      name: z.string(),
      ok: z.boolean(),
      evaluated: z.string().describe('how the rounds were evaluated: one by one, or in which chunks'),
      rows: list(row),
    }),
  ),
});
