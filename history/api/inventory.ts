import { createRoute, z } from '@hono/zod-openapi';
import { labelsMatch, naturalOrder } from '../../core/labels.ts';
import { FAILURES } from '../../core/model/observation.ts';
import { ROLES, type Target } from '../../core/model/target.ts';
import type { TargetStatus } from '../../core/model/target-status.ts';
import type { Api } from './api.ts';
import { errorResponses } from './errors.ts';
import { nextSchema, pageOf, pageParameters, positionOf } from './pages.ts';
import { globsOf, whereParameter } from './parameters.ts';
import { labelsSchema, list } from './schemas.ts';

const statusSchema = z.strictObject({
  check: z.string(),
  roundMs: z.number().describe('Scheduled time of the newest round.'),
  ok: z.boolean(),
  reason: z.enum(FAILURES).optional(),
  detail: z.string().optional(),
});

const nodeSchema = z
  .strictObject({
    cluster: z.string(),
    node: z.string(),
    role: z.enum(ROLES),
    host: z.string(),
    port: z.number(),
    bastion: z.string(),
    otherBastions: list(z.string()).optional(),
    labels: labelsSchema.describe('Those that the inventory gives it, with those of its cluster.'),
    state: z
      .enum(['ok', 'failing', 'unknown'])
      .describe('`failing`: a check failed in its newest round; `unknown`: none has run.'),
    checks: list(statusSchema).describe('How each check ended last.'),
  })
  .meta({ id: 'Node' });

const clusterSchema = z
  .strictObject({
    cluster: z.string(),
    nodes: z.number(),
    byRole: z.record(z.string(), z.number()),
    bastions: list(z.string()),
  })
  .meta({ id: 'Cluster' });

const clustersRoute = createRoute({
  method: 'get',
  path: '/v1/clusters',
  summary: 'Clusters and how many nodes they have',
  tags: ['Inventory'],
  request: { query: z.strictObject(pageParameters) },
  responses: {
    200: {
      description: 'Clusters by name.',
      content: {
        'application/json': { schema: z.strictObject({ clusters: list(clusterSchema), next: nextSchema }) },
      },
    },
    ...errorResponses(),
  },
});

const nodesRoute = createRoute({
  method: 'get',
  path: '/v1/nodes',
  summary: 'Nodes with labels and the state of their checks',
  tags: ['Inventory'],
  request: { query: z.strictObject({ where: whereParameter, ...pageParameters }) },
  responses: {
    200: {
      description: 'Nodes by cluster and name.',
      content: {
        'application/json': { schema: z.strictObject({ nodes: list(nodeSchema), next: nextSchema }) },
      },
    },
    ...errorResponses(),
  },
});

export function addInventory(api: Api): void {
  api.openapi(clustersRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const clusters = Map.groupBy(await c.var.ports.targets(), ({ cluster }) => cluster);
    const { items, next } = pageOf(
      [...clusters],
      { limit, after: positionOf(cursor) },
      {
        position: ([key]) => ({ atMs: 0, key }),
        compare: (a, b) => naturalOrder.compare(a.key, b.key),
      },
    );
    return c.json({ clusters: items.map(([cluster, targets]) => clusterOf(cluster, targets)), next }, 200);
  });

  api.openapi(nodesRoute, async (c) => {
    const { where, limit, cursor } = c.req.valid('query');
    const { ports } = c.var;
    const globs = globsOf(where);
    const targets = (await ports.targets()).filter((target) => labelsMatch(globs, labelsOf(target)));
    const { items, next } = pageOf(
      targets,
      { limit, after: positionOf(cursor) },
      {
        position: (target) => ({ atMs: 0, key: keyOf(target) }),
        compare: (a, b) => naturalOrder.compare(a.key, b.key),
      },
    );
    const statuses = Map.groupBy(items.length === 0 ? [] : await ports.state.listTargetStatus(), keyOf);
    return c.json(
      { nodes: items.map((target) => nodeOf(target, statuses.get(keyOf(target)) ?? [])), next },
      200,
    );
  });
}

function keyOf({ cluster, node }: { cluster: string; node: string }): string {
  return `${cluster}/${node}`;
}

function labelsOf({ cluster, node, role, labels }: Target) {
  return { ...labels, cluster, node, role };
}

function clusterOf(cluster: string, targets: readonly Target[]): z.infer<typeof clusterSchema> {
  const byRole = Map.groupBy(targets, ({ role }) => role);
  return {
    cluster,
    nodes: targets.length,
    byRole: Object.fromEntries([...byRole].map(([role, some]) => [role, some.length])),
    bastions: [...new Set(targets.flatMap(({ bastion, otherBastions = [] }) => [bastion, ...otherBastions]))],
  };
}

function nodeOf(target: Target, statuses: readonly TargetStatus[]): z.infer<typeof nodeSchema> {
  const { cluster, node, role, host, port, bastion, otherBastions, labels = {} } = target;
  const checks = statuses
    .map(({ check, roundMs, ok, reason, detail }) => ({ check, roundMs, ok, reason, detail }))
    .sort((a, b) => naturalOrder.compare(a.check, b.check));
  const state = checks.length === 0 ? 'unknown' : checks.every(({ ok }) => ok) ? 'ok' : 'failing';
  return { cluster, node, role, host, port, bastion, otherBastions, labels, state, checks };
}
