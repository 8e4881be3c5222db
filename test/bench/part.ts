import type { PartReport } from './report.ts';

export interface BenchOptions {
  /** Folder of the part's own, empty. */
  dir: string;
  /** Where tools are kept from run to run. */
  tools: string;
  /** Fewer of everything; all parts together end within five minutes on two cores. */
  quick: boolean;
  log: (text: string) => void;
}

/** A part of the benchmark. What is not installed is named in its report; what fails is thrown. */
export type Part = (options: BenchOptions) => Promise<PartReport>;
