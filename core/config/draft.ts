// The sections of a file, element by element. Each valid element has a value, also when others are wrong.

import type { z } from 'zod';
import type { Check } from '../model/check.ts';
import type { ChannelConfig } from '../model/config.ts';
import type { AdapterKinds } from '../registry.ts';
import { auditSchema } from './audit-schema.ts';
import { commandSchema } from './command-schema.ts';
import { type ConfigSchema, configSchema, KIND_SECTIONS } from './config-schema.ts';
import { isData, type JsonSchema, valueAt } from './fields.ts';
import { describeIssues, NO_TEXT } from './issues.ts';
import { logSchema } from './log-schema.ts';
import { errorAt, type Finding, type Path } from './problem.ts';
import { changedRuleFields, nameSchema, runbooksSchema } from './rule-fields.ts';
import { tieredRuleSchema } from './rule-schema.ts';
import * as sections from './schema.ts';
import { serverSchema } from './server-schema.ts';

type Data = Readonly<Record<string, unknown>>;

export interface Item<T> {
  path: Path;
  /** The data of the file. */
  raw: unknown;
  /** Undefined while the element has an error. */
  value: T | undefined;
}

export interface ClusterItem extends Item<z.output<typeof sections.clusterAloneSchema>> {
  nodes: Item<z.output<typeof sections.nodeSchema>>[];
}

/** A list that has defaults is undefined when the file lacks it. */
export type Draft = ReturnType<typeof draftOf>;

/** Validates the data of a file. No finding holds a secret. */
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

/** Sections that are one mapping. All their fields have defaults, so a key without a value counts as left out. */
const SINGLE: ReadonlySet<string> = new Set([
  'store',
  'state',
  'schedule',
  'sessions',
  'audit',
  'log',
  'server',
]);

const NO_MAPPING = 'it has keys like `bastions:`; `bartizan init` writes one to start from';

/** A store without a type has the first kind. */
function storeOf(store: unknown, kinds: AdapterKinds): unknown {
  const first = { type: kinds.stores[0]?.type };
  return store === undefined || isData(store) ? { ...first, ...(store as Data | undefined) } : store;
}

function draftOf(
  data: unknown,
  schema: ConfigSchema,
  { valid, findings }: { valid: z.output<ConfigSchema> | undefined; findings: readonly Finding[] },
) {
  const wrong = new Set(findings.map(({ path }) => elementOf(path)));
  const { shape } = schema;

  /** A valid file has been parsed already; otherwise each element is parsed alone. */
  const item = <T>(element: z.ZodType<T>, path: Path, raw = path.reduce(valueAt, data)): Item<T> => {
    if (wrong.has(path.join('.'))) return { path, raw, value: undefined };
    const value = valid === undefined ? element.safeParse(raw).data : path.reduce(valueAt, valid);
    return { path, raw, value: value as T | undefined };
  };
  const list = <T>(path: Path, one: (path: Path, raw: unknown) => T): T[] | undefined => {
    const raw = path.reduce(valueAt, data);
    return Array.isArray(raw) ? raw.map((each, i) => one([...path, i], each)) : undefined;
  };
  const items = <T>(path: Path, element: z.ZodType<T>) => list(path, (at, raw) => item(element, at, raw));

  /** Separates the fields that all kinds share from the options of the element's kind, which stay as they are written. */
  const ofKind = <T extends z.ZodObject, V>(
    { base, key }: { base: T; key: string },
    { path, raw, value }: Item<unknown>,
    build: (element: z.output<T> & { type: string; options: Data }) => V,
  ): Item<V> => {
    if (!isData(value) || !isData(raw)) return { path, raw, value: undefined };
    const isOwn = (name: string) => Object.hasOwn(base.shape, name);
    const own = Object.entries(value).filter(([name]) => isOwn(name));
    const options = Object.entries(raw).filter(([name]) => name !== key && !isOwn(name));
    const element = { ...Object.fromEntries(own), type: value[key], options: Object.fromEntries(options) };
    return { path, raw, value: build(element as never) };
  };
  const { checks, channels, inventory, store, state } = KIND_SECTIONS;
  const elements = (section: 'checks' | 'channels' | 'inventory') =>
    items([section], shape[section].unwrap().element as z.ZodType);

  const rules = valueAt(data, 'rules');
  const change = isData(rules) ? valueAt(rules, 'change') : undefined;
  const changed = isData(change) ? change : {};
  const needed = valueAt(data, 'inventory') === undefined ? ['bastions', 'clusters'] : ['bastions'];
  const unreadable = Object.keys(shape).filter((key) => {
    const raw = valueAt(data, key);
    const isMissing = raw === undefined && !needed.includes(key);
    return !isData(data) || (!isMissing && !Array.isArray(raw) && !(key === 'rules' && isData(raw)));
  });
  return {
    /** Sections that should be lists and are not: nobody knows the names in them. */
    unreadable: new Set(unreadable),
    bastions: items(['bastions'], sections.bastionSchema) ?? [],
    clusters: (list(['clusters'], (path, raw) => {
      const { nodes: _nodes, ...alone } = isData(raw) ? raw : {};
      const cluster = item(sections.clusterAloneSchema, path, isData(raw) ? alone : raw);
      return { ...cluster, raw, nodes: items([...path, 'nodes'], sections.nodeSchema) ?? [] };
    }) ?? []) satisfies ClusterItem[],
    /** Sources of more clusters. */
    inventory: (elements('inventory') ?? []).map((one) => ofKind(inventory, one, (element) => element)),
    commands: items(['commands'], commandSchema) ?? [],
    checks: elements('checks')?.map((one) => ofKind(checks, one, checkOf)),
    presets: items(['presets'], shape.presets.unwrap().element) ?? [],
    /** The elements of the list, or those of `add`. */
    rules: isData(rules)
      ? (items(['rules', 'add'], tieredRuleSchema) ?? [])
      : items(['rules'], tieredRuleSchema),
    /** Default rules that are changed, by name. Their fields are merged as they are written. */
    rulesChange: Object.entries(changed).map(([name]) => ({
      name,
      ...item(changedRuleFields, ['rules', 'change', name]),
    })),
    /** Where the runbook pages of default rules are. */
    runbooks: item(runbooksSchema.optional(), ['rules', 'runbooks']).value,
    /** Names of default rules that are left out; undefined unless `rules` is a mapping. */
    rulesOff: isData(rules) ? (items(['rules', 'off'], nameSchema) ?? []) : undefined,
    channels: elements('channels')?.map((one) => ofKind(channels, one, channelOf)),
    routes: items(['routes'], sections.routeSchema),
    silences: items(['silences'], sections.silenceSchema) ?? [],
    store: ofKind(store, item(shape.store.unwrap() as z.ZodType, ['store']), (element) => element),
    state:
      valueAt(data, 'state') === undefined
        ? undefined
        : ofKind(state, item(shape.state.unwrap() as z.ZodType, ['state']), (element) => element),
    schedule: item(sections.scheduleSchema, ['schedule'], valueAt(data, 'schedule') ?? {}),
    sessions: item(sections.sessionsSchema, ['sessions'], valueAt(data, 'sessions') ?? {}),
    removal: valueAt(data, 'removal') === undefined ? undefined : item(sections.removalSchema, ['removal']),
    signatures:
      valueAt(data, 'signatures') === undefined ? undefined : item(sections.signaturesSchema, ['signatures']),
    log: valueAt(data, 'log') === undefined ? undefined : item(logSchema, ['log']),
    audit: item(auditSchema, ['audit'], valueAt(data, 'audit') ?? {}),
    server: item(serverSchema, ['server'], valueAt(data, 'server') ?? {}),
  };
}

/** The element that a path belongs to. A node counts as an element beside its cluster. */
function elementOf(path: Path): string {
  if (path[0] === 'rules' && path[1] === 'change') return path.slice(0, 3).join('.');
  const text = path.join('.');
  return /^(clusters\.\d+\.nodes\.\d+|rules\.[a-z]+\.\d+|\w+\.\d+|\w+)/.exec(text)?.[0] ?? text;
}

type OfKind<T extends z.ZodType> = z.output<T> & { type: string; options: Data };

function checkOf(element: OfKind<typeof sections.checkSchema>): Check {
  const { name, type, every, where, whereNot = {}, maxNewLabelSets, options } = element;
  const leftOut = Object.keys(whereNot).length > 0 && { whereNot };
  return { name, probe: type, everyMs: every, where, ...leftOut, maxNewLabelSets, options };
}

function channelOf(element: OfKind<typeof sections.channelSchema>): ChannelConfig {
  const { name, type, fallback, theme, required, options } = element;
  const written = { ...(fallback !== undefined && { fallback }), theme, ...(!required && { required }) };
  return { name, type, ...written, options };
}

/** The text under a key, also in an invalid element. */
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
