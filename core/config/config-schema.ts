// The one schema of `bartizan.yaml`, made from the registries. `check` validates with it, editors use its JSON Schema, and
// `npm run generate` writes docs/configuration.md from it.

import { z } from 'zod';
import type { AdapterDescriptor, AdapterKinds, Preset } from '../registry.ts';
import { auditSchema } from './audit-schema.ts';
import { commandSchema } from './command-schema.ts';
import type { JsonSchema } from './fields.ts';
import { includeSchema } from './include.ts';
import { logSchema } from './log-schema.ts';
import { changedRuleFields, labelGlobsSchema, nameSchema, runbooksSchema } from './rule-fields.ts';
import { tieredRuleSchema } from './rule-schema.ts';
import {
  bastionSchema,
  channelSchema,
  checkSchema,
  clusterSchema,
  everySchema,
  inventorySchema,
  removalSchema,
  routeSchema,
  scheduleSchema,
  sessionsSchema,
  signaturesSchema,
  silenceSchema,
  storeSchema,
} from './schema.ts';
import { serverSchema } from './server-schema.ts';
import { wholeCheck } from './whole-check.ts';

/** Kinds of state share no field yet. */
const stateSchema = z.strictObject({});

/** Sections whose elements have a kind from a registry: the fields that all kinds share, and the key that names the kind. */
export const KIND_SECTIONS = {
  checks: { base: checkSchema, key: 'probe', kinds: 'probes' },
  channels: { base: channelSchema, key: 'type', kinds: 'channels' },
  inventory: { base: inventorySchema, key: 'type', kinds: 'inventories' },
  store: { base: storeSchema, key: 'type', kinds: 'stores' },
  state: { base: stateSchema, key: 'type', kinds: 'states' },
} as const;

export type ConfigSchema = ReturnType<typeof makeSchema>;

const schemas = new WeakMap<AdapterKinds, ConfigSchema>();

export function configSchema(kinds: AdapterKinds): ConfigSchema {
  const known = schemas.get(kinds) ?? makeSchema(kinds);
  schemas.set(kinds, known);
  return known;
}

function makeSchema(kinds: AdapterKinds) {
  const elements = (section: keyof typeof KIND_SECTIONS) => {
    const { base, key, kinds: registry } = KIND_SECTIONS[section];
    return ofKinds(base, key, kinds[registry]);
  };
  return z
    .strictObject({
      bastions: z.array(bastionSchema).min(1).describe('SSH gateways in front of nodes'),
      clusters: z
        .union([z.array(clusterSchema), includeSchema])
        .describe('Clusters and their control-plane nodes. Required without an `inventory`')
        .optional(),
      inventory: z
        .array(elements('inventory'))
        .describe(
          'Where more clusters come from, read before every round; whoever provisions them adds one there',
        )
        .optional(),
      commands: z
        .array(commandSchema)
        .describe(
          'Catalogue of scripts that may run on nodes: by checks of kind `command`, and by hand with `bartizan exec`',
        )
        .optional(),
      checks: z
        .array(elements('checks'))
        .describe('Which checks run, and how often. Without this section: `usage` of every node each minute')
        .optional(),
      presets: z
        .array(presetSchema(kinds.presets))
        .describe('Checks that suit a distribution of Kubernetes, beside those of `checks`')
        .optional(),
      rules: z
        .union([
          z.array(tieredRuleSchema),
          z.strictObject({
            add: z.array(tieredRuleSchema).describe('Rules beside the default ones').optional(),
            change: z
              .record(nameSchema, changedRuleFields)
              .describe('Fields of default rules that are other here, by the name of the rule')
              .optional(),
            runbooks: runbooksSchema.optional(),
            off: z.array(nameSchema).describe('Names of default rules to leave out').default([]),
          }),
        ])
        .describe(
          'When to alert. Without this section: the default rules below, which a list replaces and `add` extends',
        )
        .optional(),
      channels: z.array(elements('channels')).describe('Where messages go').optional(),
      routes: z
        .array(routeSchema)
        .describe(
          'Which alerts go to which channels: the first that matches takes an alert. Without this section: all to all channels',
        )
        .optional(),
      silences: z
        .array(silenceSchema)
        .describe('When messages are withheld; rules are evaluated all the same')
        .optional(),
      store: elements('store').describe('Where samples are kept').optional(),
      state: elements('state')
        .describe(
          'Where `up` keeps alerts, incidents and silences. Without this section: in a file of the data folder',
        )
        .optional(),
      schedule: scheduleSchema.describe('Time').prefault({}),
      sessions: sessionsSchema.describe('SSH sessions that stay open between rounds').prefault({}),
      removal: removalSchema
        .describe(
          'Guard against losing nodes by mistake: a file or a source that lacks many of them is refused, because all their alerts would end as removed',
        )
        .optional(),
      signatures: signaturesSchema
        .describe(
          'Signatures of scripts, for nodes whose authorized_keys line verifies them (`bartizan keys --signed`). Nodes that compare hashes work as well',
        )
        .optional(),
      audit: auditSchema.describe('The record of every access, of `up` and of the commands').prefault({}),
      log: logSchema.describe('How much `up` logs').optional(),
      server: serverSchema.describe('The HTTP server for health and pictures').prefault({}),
    })
    .superRefine(
      ...wholeCheck<{ clusters?: unknown; inventory?: unknown }>(({ clusters = [], inventory }, issue) => {
        if (inventory === undefined && Array.isArray(clusters) && clusters.length === 0)
          issue(['clusters'], '`clusters` is an empty list; write at least one, or an `inventory`');
      }),
    )
    .meta({
      title: 'Bartizan configuration',
      description: 'What to watch, when to alert, and whom to notify.',
    });
}

function presetSchema(presets: readonly Preset[]) {
  const types = presets.map(({ type }) => type);
  return z.strictObject({
    preset: z
      .enum(types)
      .describe(`Distribution: ${presets.map(({ type, title }) => `\`${type}\` (${title})`).join(', ')}`),
    where: labelGlobsSchema
      .describe(
        'Only nodes whose `cluster`, `node` and `role` match; with a `role`, those checks of the preset that such nodes have',
      )
      .prefault({}),
    without: z.array(z.string()).describe('Probes of the preset to leave out').default([]),
  });
}

/** An element has the fields that all kinds share, and the options of its own kind. */
function ofKinds(base: z.ZodObject, key: string, kinds: readonly AdapterDescriptor[]) {
  const { name, ...shared } = base.shape;
  const branches = kinds.map(({ type, title, options, every }) => {
    const { shape, def } = options as z.ZodObject;
    const others = every === undefined ? shared : { ...shared, every: everySchema.prefault(every) };
    const kind = z.literal(type).describe(title);
    return z
      .strictObject({ ...(name && { name }), [key]: kind, ...others, ...shape })
      .check(...((def.checks ?? []) as z.core.$ZodCheck<object>[]))
      .meta({ title });
  });
  return z.discriminatedUnion(key, branches as never);
}

const jsonSchemas = new WeakMap<AdapterKinds, JsonSchema>();

/** The JSON Schema of a whole file. */
export function configJsonSchema(kinds: AdapterKinds): JsonSchema {
  const known = jsonSchemas.get(kinds);
  if (known) return known;
  const { $schema, ...json } = z.toJSONSchema(configSchema(kinds), { io: 'input' }) as JsonSchema;
  // A store without a type has the first kind. zod cannot express a default for a discriminator.
  const store = json.properties?.store as JsonSchema | undefined;
  for (const { properties, required } of (store?.oneOf ?? []) as JsonSchema[]) {
    Object.assign(properties?.type ?? {}, { default: kinds.stores[0]?.type });
    required?.splice(required.indexOf('type'), 1);
  }
  const schema: JsonSchema = { $schema, $id: 'urn:bartizan:config:1', ...json };
  jsonSchemas.set(kinds, schema);
  return schema;
}
