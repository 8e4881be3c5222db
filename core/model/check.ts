import type { CommandConfig } from './command.ts';
import type { LabelGlobs } from './labels.ts';

/** One configured use of a probe kind. */
export interface Check {
  name: string;
  probe: string;
  everyMs: number;
  where: LabelGlobs;
  /** Nodes that are left out, and samples with such labels. Absent where nothing is. */
  whereNot?: LabelGlobs;
  /** Label sets that one node may newly bring in an hour. Absent: `MAX_NEW_LABEL_SETS`. */
  maxNewLabelSets?: number;
  /** It logs in to no node, so that its rounds alone do not show whether one is up. */
  withoutLogin?: true;
  /** The entry of the catalogue that it runs. Absent: it runs none. */
  command?: CommandConfig;
  /** Options as written; the probe kind's schema finds them valid, and `checkOptions` adds its defaults. */
  options: Readonly<Record<string, unknown>>;
}
