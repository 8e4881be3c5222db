import type { BenchmarkReport } from './report.ts';

export interface BenchOptions {
  /** An empty folder for this benchmark. */
  dir: string;
  /** Keeps tools from one run to the next. */
  tools: string;
  /** Less work; all benchmarks together end within five minutes on two cores. */
  quick: boolean;
  log: (text: string) => void;
}

/** A benchmark. Its report names missing programs; errors are thrown. */
export type Benchmark = (options: BenchOptions) => Promise<BenchmarkReport>;
