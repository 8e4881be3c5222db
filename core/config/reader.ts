// Reads a file element by element: what is valid gets a value, whatever is wrong beside it.
import type { z } from 'zod';
import type { AdapterDescriptor } from '../registry.ts';
import { type FieldLookup, validate } from './explain.ts';
import { choose, errorAt, type Finding, type Path, quoted } from './problem.ts';

export interface Item<T> {
  path: Path;
  /** As written. */
  raw: unknown;
  /** Absent while something about it is wrong. */
  value: T | undefined;
}

/** An element of a registry's kind: its own fields, the kind, and the rest as written, which the kind finds valid. */
export type OfKind<T> = T & { kind: string; options: Data };

type Data = Readonly<Record<string, unknown>>;

export function isData(raw: unknown): raw is Data {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** What stands under a key, if anything. */
export function field(raw: unknown, key: string): unknown {
  return isData(raw) && Object.hasOwn(raw, key) ? raw[key] : undefined;
}

/** The text under a key, whatever else is right or wrong. */
export function textOf(raw: unknown, key: string): string | undefined {
  const value = field(raw, key);
  return typeof value === 'string' ? value : undefined;
}

/** The texts of the list under a key, with their places in it. */
export function textsOf(raw: unknown, key: string): { index: number; text: string }[] {
  const value = field(raw, key);
  if (!Array.isArray(value)) return [];
  return value.flatMap((text, index) => (typeof text === 'string' ? [{ index, text }] : []));
}

export interface Reader {
  /** Undefined when the list is not there or is none. */
  list<T>(
    raw: unknown,
    path: Path,
    required: boolean,
    read: (raw: unknown, path: Path) => T,
  ): T[] | undefined;
  one<T>(schema: z.ZodType<T>): (raw: unknown, path: Path) => Item<T>;
  /** `key` names a kind; what `base` does not know are options of that kind. */
  kind<T>(
    base: z.ZodType<T> & { shape: object },
    key: string,
    kinds: readonly AdapterDescriptor[],
  ): (raw: unknown, path: Path) => Item<OfKind<T>>;
}

/** Findings are appended to `findings`. */
export function createReader(fieldOf: FieldLookup, findings: Finding[]): Reader {
  const reader: Reader = {
    list(raw, path, required, read) {
      const name = `\`${path.at(-1)}\``;
      const what = fieldOf(path)?.description;
      if (raw === undefined) {
        if (required) findings.push({ ...errorAt(path, `${name} is missing`, what), absence: true });
        return undefined;
      }
      if (Array.isArray(raw)) {
        if (required && raw.length === 0) findings.push(errorAt(path, `${name} is an empty list`, what));
        return raw.map((element, i) => read(element, [...path, i]));
      }
      if (raw !== null) findings.push(errorAt(path, `${name} is a list`, 'start each element with `- `'));
      else {
        const how = required ? what : 'leave the key out for the default, or write `[]` for none';
        findings.push(errorAt(path, `${name} is empty`, how));
      }
      return undefined;
    },

    one: (schema) => (raw, path) => {
      const { value, findings: found } = validate(schema, raw, path, fieldOf);
      findings.push(...found);
      return { path, raw, value: found.length === 0 ? value : undefined };
    },

    kind<T>(base: z.ZodType<T> & { shape: object }, key: string, kinds: readonly AdapterDescriptor[]) {
      return (raw: unknown, path: Path): Item<OfKind<T>> => {
        if (!isData(raw)) return { ...reader.one(base)(raw, path), value: undefined };
        const own = reader.one(base)(
          pick(raw, (name) => Object.hasOwn(base.shape, name)),
          path,
        );
        const type = raw[key];
        const kind = kinds.find((candidate) => candidate.type === type);
        if (!kind) {
          findings.push(
            noSuchKind(
              type,
              key,
              kinds.map((candidate) => candidate.type),
              [...path, key],
            ),
          );
          return { path, raw, value: undefined };
        }
        const rest = pick(raw, (name) => name !== key && !Object.hasOwn(base.shape, name));
        const options = reader.one(kind.options)(rest, path);
        if (own.value === undefined || options.value === undefined) return { path, raw, value: undefined };
        return { path, raw, value: { ...own.value, kind: kind.type, options: rest } };
      };
    },
  };
  return reader;
}

function pick(raw: Data, keep: (name: string) => boolean): Data {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => keep(name)));
}

function noSuchKind(type: unknown, key: string, types: readonly string[], path: Path): Finding {
  const known = `one of: ${types.map((name) => `\`${name}\``).join(', ')}`;
  if (type === undefined) return { ...errorAt(path, `\`${key}\` is missing`, known), absence: true };
  if (typeof type !== 'string') return errorAt(path, `\`${key}\` is a text`, known);
  const what = key === 'type' ? `${String(path[0]).replace(/s$/, '')} type` : key;
  return errorAt(path, `there is no ${what} ${quoted(type)}`, choose(type, types, 'one of'));
}
