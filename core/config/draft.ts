// The sections of a file, element by element: what is valid has a value, whatever is wrong beside it.

import type { z } from 'zod';
import type { Check } from '../model/check.ts';
import type { ChannelConfig } from '../model/config.ts';
import type { Rule } from '../model/rule.ts';
import type { AdapterKinds } from '../registry.ts';
import { type ConfigSchema, configSchema, KIND_SECTIONS } from './config-schema.ts';
import { isData, type JsonSchema, valueAt } from './fields.ts';
import { describeIssues, NO_TEXT } from './issues.ts';
import { errorAt, type Finding, type Path } from './problem.ts';
import { nameSchema } from './rule-fields.ts';
import { ruleSchema } from './rule-schema.ts';
import * as sections from './schema.ts';

type Out<T extends z.ZodType> = z.output<T>;
type Data = Readonly<Record<string, unknown>>;

export interface Item<T> {
  path: Path;
  /** As the file has it. */
  raw: unknown;
  /** Undefined while something about it is wrong. */
  value: T | undefined;
}

/** An element of a registry's kind, with the options of that kind as they are written. */
type OfKind<T> = T & { type: string; options: Data };

export interface ClusterItem extends Item<Out<typeof sections.clusterAloneSchema>> {
  nodes: Item<Out<typeof sections.nodeSchema>>[];
}

/** Lists that are not in the file are undefined: they have defaults. */
export interface Draft {
  /** Sections that are no lists: nothing can be said about what refers to them. */
  unreadable: ReadonlySet<string>;
  bastions: Item<Out<typeof sections.bastionSchema>>[];
  clusters: ClusterItem[];
  /** Sources of more clusters. */
  inventory: Item<OfKind<Out<typeof sections.inventorySchema>>>[];
  checks: Item<Check>[] | undefined;
  /** The elements of the list, or those of `add`. */
  rules: Item<Rule>[] | undefined;
  /** Default rules that are left out; undefined where `rules` is a list, or is not there. */
  rulesOff: Item<string>[] | undefined;
  channels: Item<ChannelConfig>[] | undefined;
  routes: Item<Out<typeof sections.routeSchema>>[] | undefined;
  silences: Item<Out<typeof sections.silenceSchema>>[];
  store: Item<OfKind<Out<typeof sections.storeSchema>>>;
  schedule: Item<Out<typeof sections.scheduleSchema>>;
  sessions: Item<Out<typeof sections.sessionsSchema>>;
  server: Item<Out<typeof sections.serverSchema>>;
}

/** Validates the data of a file by the schema. Nothing that is found holds a secret. */
export function readDraft(
  data: unknown,
  kinds: AdapterKinds,
  json: JsonSchema,
): { draft: Draft; findings: Finding[] } {
  const schema = configSchema(kinds);
  if (!isData(data)) {
    const findings = [errorAt([], 'the file is not a mapping', NO_MAPPING)];
    return { draft: draftOf(data, schema, { valid: undefined, findings }), findings };
  }
  const written = Object.entries(data).filter(([key, value]) => value !== null || !SINGLE.has(key));
  const filled = Object.fromEntries([...written, ['store', storeOf(data.store ?? undefined, kinds)]]);
  const result = schema.safeParse(filled, NO_TEXT);
  const findings = result.success ? [] : describeIssues(result.error.issues, filled, json);
  return { draft: draftOf(filled, schema, { valid: result.data, findings }), findings };
}

/** Sections that are one mapping. All their fields have defaults, so that a key with nothing below is one that is left out. */
const SINGLE: ReadonlySet<string> = new Set(['store', 'schedule', 'sessions', 'server']);

const NO_MAPPING = 'it has keys like `bastions:`; `bartizan init` writes one to start from';

/** A store without a type is of the first kind. */
function storeOf(store: unknown, kinds: AdapterKinds): unknown {
  const first = { type: kinds.stores[0]?.type };
  return store === undefined || isData(store) ? { ...first, ...(store as Data | undefined) } : store;
}

function draftOf(
  data: unknown,
  schema: ConfigSchema,
  { valid, findings }: { valid: Out<ConfigSchema> | undefined; findings: readonly Finding[] },
): Draft {
  const wrong = new Set(findings.map(({ path }) => elementOf(path)));
  const { shape } = schema;

  /** An element is valid on its own, or as a part of a valid file: then it has been parsed already. */
  const item = <T>(element: z.ZodType<T>, path: Path, raw: unknown): Item<T> => {
    if (wrong.has(path.join('.'))) return { path, raw, value: undefined };
    const value = valid === undefined ? element.safeParse(raw).data : path.reduce(valueAt, valid);
    return { path, raw, value: value as T | undefined };
  };
  const list = <T>(path: Path, one: (path: Path, raw: unknown) => T): T[] | undefined => {
    const raw = path.reduce(valueAt, data);
    return Array.isArray(raw) ? raw.map((each, i) => one([...path, i], each)) : undefined;
  };
  const items = <T>(path: Path, element: z.ZodType<T>) => list(path, (at, raw) => item(element, at, raw));
  const ofKinds = <T>(section: keyof typeof KIND_SECTIONS, one: z.ZodType, path: Path, raw: unknown) => {
    const { base, key } = KIND_SECTIONS[section];
    const { value } = item(one, path, raw);
    if (!isData(value) || !isData(raw)) return { path, raw, value: undefined };
    const own = Object.entries(value).filter(([name]) => Object.hasOwn(base.shape, name));
    const rest = Object.entries(raw).filter(([name]) => name !== key && !Object.hasOwn(base.shape, name));
    const kind = { ...Object.fromEntries(own), type: value[key], options: Object.fromEntries(rest) };
    return { path, raw, value: kind as OfKind<T> };
  };
  const kindItems = <T>(section: 'checks' | 'channels' | 'inventory', _base: z.ZodType<T>) => {
    const element = shape[section].unwrap().element as z.ZodType;
    return list([section], (path, raw) => ofKinds<T>(section, element, path, raw));
  };
  const single = <T>(key: 'schedule' | 'sessions' | 'server', section: z.ZodType<T>) =>
    item(section, [key], valueAt(data, key) ?? {});

  const isMapping = isData(valueAt(data, 'rules'));
  const clusters = list(['clusters'], (path, raw): ClusterItem => {
    const { nodes: _nodes, ...alone } = isData(raw) ? raw : {};
    const { value } = item(sections.clusterAloneSchema, path, isData(raw) ? alone : raw);
    return { path, raw, value, nodes: items([...path, 'nodes'], sections.nodeSchema) ?? [] };
  });
  const needed = valueAt(data, 'inventory') === undefined ? ['bastions', 'clusters'] : ['bastions'];
  const unreadable = Object.keys(shape).filter((key) => {
    const raw = valueAt(data, key);
    return !isData(data) || ((raw !== undefined || needed.includes(key)) && !Array.isArray(raw));
  });
  return {
    unreadable: new Set(unreadable.filter((key) => key !== 'rules' || !isMapping)),
    bastions: items(['bastions'], sections.bastionSchema) ?? [],
    clusters: clusters ?? [],
    inventory: kindItems('inventory', sections.inventorySchema) ?? [],
    checks: kindItems('checks', sections.checkSchema)?.map((one) => ({ ...one, value: checkOf(one.value) })),
    rules: items(isMapping ? ['rules', 'add'] : ['rules'], ruleSchema) ?? (isMapping ? [] : undefined),
    rulesOff: isMapping ? (items(['rules', 'off'], nameSchema) ?? []) : undefined,
    channels: kindItems('channels', sections.channelSchema)?.map((one) => ({
      ...one,
      value: channelOf(one.value),
    })),
    routes: items(['routes'], sections.routeSchema),
    silences: items(['silences'], sections.silenceSchema) ?? [],
    store: ofKinds('store', shape.store.unwrap() as z.ZodType, ['store'], valueAt(data, 'store')),
    schedule: single('schedule', sections.scheduleSchema),
    sessions: single('sessions', sections.sessionsSchema),
    server: single('server', sections.serverSchema),
  };
}

/** The element that a path lies in: a node is one of its own within its cluster. */
function elementOf(path: Path): string {
  const text = path.join('.');
  return /^(clusters\.\d+\.nodes\.\d+|rules\.[a-z]+\.\d+|\w+\.\d+|\w+)/.exec(text)?.[0] ?? text;
}

function checkOf(item: OfKind<Out<typeof sections.checkSchema>> | undefined): Check | undefined {
  if (!item) return undefined;
  const { name, type, every, where, whereNot = {}, maxNewLabelSets, options } = item;
  const leftOut = Object.keys(whereNot).length > 0 && { whereNot };
  return { name, probe: type, everyMs: every, where, ...leftOut, maxNewLabelSets, options };
}

function channelOf(item: OfKind<Out<typeof sections.channelSchema>> | undefined): ChannelConfig | undefined {
  if (!item) return undefined;
  const { name, type, fallback, theme, required, options } = item;
  return {
    name,
    type,
    ...(fallback !== undefined && { fallback }),
    theme,
    ...(!required && { required }),
    options,
  };
}

/** The text under a key, whatever else is right or wrong. */
export function textOf(raw: unknown, key: string): string | undefined {
  const value = isData(raw) ? valueAt(raw, key) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The texts of the list under a key. */
export function textsOf(raw: unknown, key: string): { at: Path; text: string }[] {
  const value = isData(raw) ? valueAt(raw, key) : undefined;
  if (!Array.isArray(value)) return [];
  return value.flatMap((text, index) => (typeof text === 'string' ? [{ at: [key, index], text }] : []));
}

/** The text under a key, or those of a list. */
export function textOrTextsOf(raw: unknown, key: string): { at: Path; text: string }[] {
  const text = textOf(raw, key);
  return text === undefined ? textsOf(raw, key) : [{ at: [key], text }];
}
