export type Labels = Readonly<Record<string, string>>;

/** Label → globs (`*`, `?`), any of which must match the whole value; every label must match. */
export type LabelGlobs = Readonly<Record<string, readonly string[]>>;

/** Label sets that match all of `where` and nothing of `whereNot`; see `isSelected`. */
export interface Selection {
  where?: LabelGlobs | undefined;
  /** A label set is left out as soon as one of its labels matches one of these globs. */
  whereNot?: LabelGlobs | undefined;
}
