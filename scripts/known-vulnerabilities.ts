// `npm run vulnerabilities` asks npm's registry for known vulnerabilities of the versions in package-lock.json. It
// exits with 1 for those that are high or critical, and when package-lock.json cannot be read. A registry without such
// a list, or one that cannot be reached outside of GitHub's machines, is reported, and is not an error.
import { spawnSync } from 'node:child_process';

export interface Lookup {
  /** Lines for people. */
  lines: string[];
  failed: boolean;
}

interface Report {
  vulnerabilities?: Record<
    string,
    { severity: string; range: string; via: (string | { title: string; url: string })[] }
  >;
  metadata?: { dependencies?: { total?: number } };
  message?: string;
  statusCode?: number;
  error?: { code?: string; summary?: string };
}

const SERIOUS = new Set(['high', 'critical']);

/**
 * Reads the output of `npm audit --json`. With `mustAnswer`, on a machine that has a network, no answer is an error.
 */
export function readAudit(text: string, mustAnswer = false): Lookup {
  let report: Report;
  try {
    report = JSON.parse(text) as Report;
  } catch {
    return { lines: ['known vulnerabilities: npm audit did not answer in JSON'], failed: true };
  }
  const { vulnerabilities, metadata, message, error, statusCode } = report;
  if (!vulnerabilities) {
    const why = message ?? error?.summary ?? 'no reason given';
    const keepsNone = statusCode === 404 || statusCode === 405;
    const reason = keepsNone ? 'the registry keeps no list' : 'the registry does not answer';
    // Without a lock file npm asks for nothing: https://docs.npmjs.com/cli/v11/commands/npm-audit
    const failed = error?.code === 'ENOLOCK' || (mustAnswer && !keepsNone);
    return { lines: [`known vulnerabilities: NOT LOOKED UP, ${reason} (${why})`], failed };
  }
  const found = Object.entries(vulnerabilities);
  const lines = found.map(([name, { severity, range, via }]) => {
    const reasons = via.map((one) => (typeof one === 'string' ? `by ${one}` : `${one.title} ${one.url}`));
    return `${severity}: ${name} ${range}: ${reasons.join('; ')}`;
  });
  const total = metadata?.dependencies?.total ?? 0;
  return {
    lines: [`known vulnerabilities: ${found.length} in ${total} packages`, ...lines],
    failed: found.some(([, { severity }]) => SERIOUS.has(severity)),
  };
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', timeout: 120_000 });
  const { lines, failed } = readAudit(stdout ?? '', process.env.GITHUB_ACTIONS === 'true');
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = failed ? 1 : 0;
}
