import type { BenchmarkReport } from './report.ts';

export interface BenchOptions {
  /** An empty folder for this benchmark. */
  dir: string;
  /** Where tools are kept from run to run. */
  tools: string;
  /** Fewer of everything; all benchmarks together end within five minutes on two cores. */
  quick: boolean;
  log: (text: string) => void;
}

/** A benchmark. Its report names missing programs; errors are thrown. */
export type Benchmark = (options: BenchOptions) => Promise<BenchmarkReport>;
