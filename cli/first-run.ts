import { createFileInventory } from '../adapters/inventory/file.ts';
import { secretsFor } from './config-file.ts';
import { checkConnections } from './connect-check.ts';
import { connectReport, isConnected } from './connect-report.ts';
import { checkFiles } from './file-check.ts';
import { loadFleet } from './fleet-config.ts';
import { isProbed } from './probe.ts';
import { probeFleet } from './probe-fleet.ts';
import { probeTable } from './probe-table.ts';
import { formatProblem, paintFor } from './problem-report.ts';
import { type TrustOptions, trustHosts, trustReportText } from './trust.ts';

/** How far a new configuration came. */
export type FirstRun = 'trust' | 'check' | 'probe' | 'complete';

/**
 * Learns the host keys of a configuration, connects to everything in it, and probes its nodes. Ends with the first step
 * that fails, and prints each. A host that cannot be reached passes the first step: the second explains it.
 */
export async function firstRun(
  file: string,
  options: TrustOptions,
  stdout: NodeJS.WriteStream,
): Promise<FirstRun> {
  const config = await loadFleet(file);
  const secrets = secretsFor(file);
  const paint = paintFor(stdout);
  const print = (text: string) => void stdout.write(text);

  print(`\n${paint('bold', '1. Host keys')}\n`);
  const targets = await createFileInventory(config).list();
  const report = await trustHosts(config, { fleet: targets, targets }, { ...options, config: file });
  print(trustReportText(report));
  if (report.shown.some(({ outcome }) => outcome === 'refused')) return 'trust';

  print(`\n${paint('bold', '2. Connections')}\n`);
  for (const problem of await checkFiles(file, config)) print(`${formatProblem(problem, paint)}\n\n`);
  const rows = await checkConnections(config, secrets, { quiet: false });
  print(connectReport(rows, paint));
  if (!isConnected(rows)) return 'check';

  print(`\n${paint('bold', '3. The first round')}\n`);
  const observations = await probeFleet({ config, secrets, targets, quiet: false, kind: 'probe' });
  print(probeTable(observations));
  return observations.every(isProbed) ? 'complete' : 'probe';
}
