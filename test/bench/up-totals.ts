import axios from 'axios';

export interface UpTotals {
  rounds: number;
  failed: number;
  skipped: number;
  observations: number;
  lost: number;
}

/** The counters of an `up` on this machine. @throws when it does not answer in time */
export async function readTotals(port: number, timeoutMs: number): Promise<UpTotals> {
  const metrics = String((await axios.get(`http://127.0.0.1:${port}/metrics`, { timeout: timeoutMs })).data);
  const total = (name: string) =>
    [...metrics.matchAll(new RegExp(`^bartizan_${name} (\\S+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  return {
    rounds: total('rounds_total'),
    failed: total('rounds_failed_total'),
    skipped: total('rounds_skipped_total'),
    observations: total('observations_total\\{.*\\}'),
    lost: total('observations_total\\{outcome="failed"\\}'),
  };
}
