// The JSON Schema of `bartizan.yaml`, made from the zod schemas and the registries. Editors complete by it, `check`
// finds unknown keys by it, and the reference is written from it.
import { z } from 'zod';
import type { AdapterDescriptor, AdapterKinds } from '../registry.ts';
import type { JsonSchema } from './fields.ts';
import { ruleSchema } from './rule-schema.ts';
import * as sections from './schema.ts';

const cache = new WeakMap<AdapterKinds, JsonSchema>();

/** The schema of a whole file. */
export function configJsonSchema(kinds: AdapterKinds): JsonSchema {
  const cached = cache.get(kinds);
  if (cached) return cached;
  const cluster = jsonOf(sections.clusterSchema);
  const nodes = list(jsonOf(sections.nodeSchema), 'Its control-plane VMs');
  const schema: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:bartizan:config:1',
    title: 'Bartizan configuration',
    description: 'What to watch, when to alert, and whom to tell.',
    type: 'object',
    properties: {
      bastions: list(jsonOf(sections.bastionSchema), 'SSH gateways in front of nodes'),
      clusters: list(
        {
          ...cluster,
          properties: { ...cluster.properties, nodes: { ...nodes, minItems: 1 } },
          required: [...(cluster.required ?? []), 'nodes'],
        },
        'Clusters and their control-plane nodes. Required without an `inventory`',
      ),
      inventory: list(
        ofKinds(sections.inventorySchema, 'type', kinds.inventories),
        'Where more clusters come from, read before every round; whoever provisions them adds one there',
      ),
      checks: list(
        ofKinds(sections.checkSchema, 'probe', kinds.probes),
        'What is looked at, and how often. Without this section: `usage` of every node each minute',
      ),
      rules: list(
        jsonOf(ruleSchema),
        'When something has been wrong for too long. Without this section: the default rules below',
      ),
      channels: list(ofKinds(sections.channelSchema, 'type', kinds.channels), 'Where messages go'),
      routes: list(
        jsonOf(sections.routeSchema),
        'Which alerts go to which channels: the first that matches takes an alert. Without this section: all to all channels',
      ),
      silences: list(
        jsonOf(sections.silenceSchema),
        'When messages are withheld; alerts are judged all the same',
      ),
      store: {
        ...ofKinds(sections.storeSchema, 'type', kinds.stores, kinds.stores[0]?.type),
        description: 'Where samples are kept',
      },
      schedule: { ...jsonOf(sections.scheduleSchema), description: 'Time' },
      server: { ...jsonOf(sections.serverSchema), description: 'The HTTP server for health and pictures' },
    },
    required: ['bastions'],
    additionalProperties: false,
  };
  cache.set(kinds, schema);
  return schema;
}

function list(items: JsonSchema, description: string): JsonSchema {
  return { type: 'array', description, items };
}

/** An element whose `key` names a thing of a registry, and which takes that thing's options beside its own. */
function ofKinds(
  base: z.ZodType,
  key: string,
  kinds: readonly AdapterDescriptor[],
  fallback?: string,
): JsonSchema {
  const own = jsonOf(base);
  const { name, ...others } = own.properties ?? {};
  const branches = kinds.map(({ type, title, options }): JsonSchema => {
    const { properties, required } = jsonOf(options);
    return {
      title,
      type: 'object',
      properties: {
        ...(name && { name }),
        [key]: { type: 'string', const: type, description: title, ...(fallback && { default: fallback }) },
        ...others,
        ...properties,
      },
      required: [...(own.required ?? []), ...(fallback ? [] : [key]), ...(required ?? [])],
      additionalProperties: false,
    };
  });
  return { type: 'object', oneOf: branches };
}

function jsonOf(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json as JsonSchema;
}
