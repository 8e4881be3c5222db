import type { z } from 'zod';
import type { Check, Rule } from '../model.ts';
import type { AdapterKinds } from '../registry.ts';
import type { FieldLookup } from './explain.ts';
import { errorAt, type Finding, type Path } from './problem.ts';
import { createReader, field, type Item, isData, type OfKind } from './reader.ts';
import { ruleSchema } from './rule-schema.ts';
import * as sections from './schema.ts';
import type { ChannelConfig } from './types.ts';

type Out<T extends z.ZodType> = z.output<T>;

export interface ClusterItem extends Item<Out<typeof sections.clusterSchema>> {
  nodes: Item<Out<typeof sections.nodeSchema>>[];
}

/** The sections of a file, element by element. Lists that are not in the file are undefined: they get defaults. */
export interface Draft {
  /** Sections that are there and no lists: nothing can be said about what refers to them. */
  unreadable: ReadonlySet<string>;
  bastions: Item<Out<typeof sections.bastionSchema>>[];
  clusters: ClusterItem[];
  /** Sources of more clusters. */
  inventory: Item<OfKind<Out<typeof sections.inventorySchema>>>[];
  checks: Item<Check>[] | undefined;
  rules: Item<Rule>[] | undefined;
  channels: Item<ChannelConfig>[] | undefined;
  routes: Item<Out<typeof sections.routeSchema>>[] | undefined;
  silences: Item<Out<typeof sections.silenceSchema>>[];
  store: Item<OfKind<Out<typeof sections.storeSchema>>>;
  schedule: Item<Out<typeof sections.scheduleSchema>>;
  server: Item<Out<typeof sections.serverSchema>>;
}

export function readDraft(
  data: unknown,
  kinds: AdapterKinds,
  fieldOf: FieldLookup,
  findings: Finding[],
): Draft {
  if (!isData(data)) {
    findings.push(
      errorAt(
        [],
        'the file is not a mapping',
        'it has keys like `bastions:`; `bartizan init` writes one to start from',
      ),
    );
  }
  const read = createReader(fieldOf, findings);
  const unreadable = new Set<string>();
  const section = <T>(key: string, required: boolean, one: (raw: unknown, path: Path) => T) => {
    const raw = field(data, key);
    if (!isData(data) || ((raw !== undefined || required) && !Array.isArray(raw))) unreadable.add(key);
    return isData(data) ? read.list(raw, [key], required, one) : undefined;
  };
  const single = (key: string) => field(data, key) ?? {};

  const cluster = (raw: unknown, path: Path): ClusterItem => {
    const { nodes, ...rest } = isData(raw) ? raw : { nodes: [] };
    const item = read.one(sections.clusterSchema)(isData(raw) ? rest : raw, path);
    return {
      ...item,
      raw,
      nodes: read.list(nodes, [...path, 'nodes'], isData(raw), read.one(sections.nodeSchema)) ?? [],
    };
  };
  const check = (raw: unknown, path: Path): Item<Check> => {
    const item = read.kind(sections.checkSchema, 'probe', kinds.probes)(raw, path);
    if (!item.value) return { ...item, value: undefined };
    const { name, kind, every, where, options } = item.value;
    return { ...item, value: { name, probe: kind, everyMs: every, where, options } };
  };
  const channel = (raw: unknown, path: Path): Item<ChannelConfig> => {
    const item = read.kind(sections.channelSchema, 'type', kinds.channels)(raw, path);
    if (!item.value) return { ...item, value: undefined };
    const { name, kind, fallback, theme, required, options } = item.value;
    return {
      ...item,
      value: {
        name,
        type: kind,
        ...(fallback !== undefined && { fallback }),
        theme,
        ...(!required && { required }),
        options,
      },
    };
  };
  const store = single('store');
  const firstStore = kinds.stores[0]?.type;

  return {
    unreadable,
    bastions: section('bastions', true, read.one(sections.bastionSchema)) ?? [],
    clusters: section('clusters', field(data, 'inventory') === undefined, cluster) ?? [],
    inventory:
      section('inventory', false, read.kind(sections.inventorySchema, 'type', kinds.inventories)) ?? [],
    checks: section('checks', false, check),
    rules: section('rules', false, read.one(ruleSchema)),
    channels: section('channels', false, channel),
    routes: section('routes', false, read.one(sections.routeSchema)),
    silences: section('silences', false, read.one(sections.silenceSchema)) ?? [],
    store: read.kind(
      sections.storeSchema,
      'type',
      kinds.stores,
    )(isData(store) ? { type: firstStore, ...store } : store, ['store']),
    schedule: read.one(sections.scheduleSchema)(single('schedule'), ['schedule']),
    server: read.one(sections.serverSchema)(single('server'), ['server']),
  };
}
