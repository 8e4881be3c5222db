import { labelKey } from '../../../core/labels.ts';
import type { Labels, Selection } from '../../../core/model/labels.ts';
import { isSelected } from '../../../core/selection.ts';
import type { Database } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';
import type { Group } from './schema.ts';

export interface LabelSet {
  id: number;
  labels: Labels;
  /** Every sample of it is older. Moved on by the hour, so that most writes leave the dictionary alone. */
  boundMs: number;
}

/** The dictionary of label sets in memory. All calls belong inside a transaction, after `refresh`. */
export interface LabelSets {
  /** Reads the dictionary again when another connection has changed the database. */
  refresh(): void;
  /** The label set of a sample, added where new, its bound moved past `timeMs`. */
  admit(group: Group, labels: Labels, timeMs: number): LabelSet;
  /** The label sets of the group that match; `undefined` when all do. */
  select(group: Group, selection: Selection): readonly LabelSet[] | undefined;
  get(group: Group, id: number): LabelSet | undefined;
  size(group: Group): number;
  /** Removes those whose samples are all older. */
  prune(olderThanMs: number): void;
  /** Drops what a failed transaction has added: reads the dictionary again. */
  forget(): void;
}

interface Dictionary {
  byKey: Map<string, LabelSet>;
  byId: Map<number, LabelSet>;
  selections: Map<string, readonly LabelSet[]>;
}

const BOUND_STEP_MS = 3_600_000;
const MAX_SELECTIONS = 200;
/** The key of a selection without globs. */
const ALL = JSON.stringify([{}, {}]);

export function createLabelSets(database: Database): LabelSets {
  let dictionaries = new Map<Group, Dictionary>();
  let seenVersion: number | undefined;

  const of = (group: Group): Dictionary => {
    let dictionary = dictionaries.get(group);
    if (!dictionary) {
      dictionary = { byKey: new Map(), byId: new Map(), selections: new Map() };
      dictionaries.set(group, dictionary);
    }
    return dictionary;
  };

  function remember(group: Group, key: string, set: LabelSet): void {
    const dictionary = of(group);
    dictionary.byKey.set(key, set);
    dictionary.byId.set(set.id, set);
    dictionary.selections.clear();
  }

  function load(): void {
    dictionaries = new Map();
    const rows = database.prepare('SELECT id, metric_group, labels, bound_ms FROM label_set').all();
    for (const [id, group, key, boundMs] of rows as unknown as [number, Group, string, number][]) {
      remember(group, key, { id, labels: labelsOf(key), boundMs });
    }
  }

  return {
    refresh() {
      const [version] = database.prepare('PRAGMA data_version').get() as unknown as [number];
      if (version === seenVersion) return;
      load();
      seenVersion = version;
    },
    admit(group, labels, timeMs) {
      const key = labelKey(labels);
      const boundMs = (Math.floor(timeMs / BOUND_STEP_MS) + 1) * BOUND_STEP_MS;
      const known = of(group).byKey.get(key);
      if (known) {
        if (known.boundMs < boundMs) {
          database.prepare('UPDATE label_set SET bound_ms = ? WHERE id = ?').run(boundMs, known.id);
          known.boundMs = boundMs;
        }
        return known;
      }
      const insert = database.prepare(
        'INSERT INTO label_set (metric_group, labels, bound_ms) VALUES (?, ?, ?)',
      );
      const id = Number(insert.run(group, key, boundMs).lastInsertRowid);
      const added = { id, labels: labelsOf(key), boundMs };
      remember(group, key, added);
      return added;
    },
    select(group, { where = {}, whereNot = {} }) {
      const key = JSON.stringify([where, whereNot]);
      if (key === ALL) return undefined;
      const { byId, selections } = of(group);
      let selected = selections.get(key);
      if (!selected) {
        selected = [...byId.values()].filter((set) => isSelected({ where, whereNot }, set.labels));
        if (selections.size >= MAX_SELECTIONS) selections.clear();
        selections.set(key, selected);
      }
      return selected;
    },
    get: (group, id) => of(group).byId.get(id),
    size: (group) => of(group).byId.size,
    prune(olderThanMs) {
      database.prepare('DELETE FROM label_set WHERE bound_ms <= ?').run(olderThanMs);
      seenVersion = undefined;
    },
    forget() {
      seenVersion = undefined;
    },
  };
}

/** Frozen: every answer shares them. */
function labelsOf(key: string): Labels {
  return Object.freeze(Object.fromEntries(parseStored<[string, string][]>(key)));
}
