// The row of a node that was probed by `check --connect`.
import { PROBES } from '../adapters/probes/registry.ts';
import { findMetric } from '../core/catalogue.ts';
import { formatMetricValue } from '../core/format.ts';
import type { Check } from '../core/model/check.ts';
import type { Observation } from '../core/model/observation.ts';
import type { Sample } from '../core/model/sample.ts';
import { checkOptions } from '../core/registry.ts';
import { type Advice, type AdviceContext, checkAdvice, nodeAdvice } from './connect-advice.ts';
import type { ConnectRow } from './connect-row.ts';

/** With a larger difference the times of samples, logs and certificates do not match ours. */
const MOST_SKEW_SECONDS = 5;
const FULL_PERCENT = 95;

/** Runs on each node, also when no check selects the node. No check of a configuration can have this name. */
export const LOGIN_CHECK: Check = {
  name: '(login)',
  probe: 'usage',
  everyMs: 60_000,
  where: {},
  options: {},
};

/** Whether a check runs scripts that may be refused where the one above runs. */
export function runsOtherScripts(check: Check): boolean {
  const scriptsOf = (one: Check) => {
    const probe = PROBES.find((candidate) => candidate.type === one.probe);
    const chosen = probe && checkOptions(probe, one);
    return chosen ? probe.scriptsFor(chosen) : [];
  };
  const tried = scriptsOf(LOGIN_CHECK).map(({ sha256 }) => sha256);
  return scriptsOf(check).some(({ sha256 }) => !tried.includes(sha256));
}

/** Whether a check asks a service that may keep what it knows from us, which a connection to its port does not show. */
export function mayBeHidden({ probe }: Check): boolean {
  return probe === 'apiserver';
}

/** The row of a node: its login, then what its other checks come to. `all` are its observations. */
export function nodeRow(
  { result, durationMs }: Observation,
  all: readonly Observation[],
  context: AdviceContext,
): ConnectRow {
  const { name } = context;
  if (!result.ok) return { kind: 'node', name, state: 'failed', ...nodeAdvice(result.failure, context) };
  const failed = all.flatMap((one) => failureOf(one, context));
  const found = all.flatMap(missingFrom);
  const warnings = [...clockWarnings(result.samples), ...diskWarnings(result.samples)];
  const answered = `answered our script in ${Math.round(durationMs)} ms${signatureText(result.samples)}`;
  const advice = [...failed, ...warnings, ...found].flatMap((one) => one.advice ?? []);
  return {
    kind: 'node',
    name,
    state: failed.length > 0 ? 'failed' : advice.length > 0 ? 'warning' : 'ok',
    detail: [answered, ...[...failed, ...warnings, ...found].map(({ detail }) => detail)].join('; '),
    ...(advice.length > 0 && { advice: [...new Set(advice)].join('; ') }),
  };
}

/** Why a check could not be made. Where a hop does not let us connect to its port, the answers of ports say so. */
function failureOf({ check, result }: Observation, context: AdviceContext): Advice[] {
  if (result.ok || result.failure.reason === 'forbidden') return [];
  const { detail, ...advice } = checkAdvice(result.failure, context);
  return [{ detail: `check ${check}: ${detail}`, ...advice }];
}

/** What a check that was made could not see. */
function missingFrom({ check, result }: Observation): Advice[] {
  if (!result.ok) return [];
  const measured = (name: string) => result.samples.find(({ metric }) => metric === name)?.value;
  const closed = measured('pki_unreadable') ?? 0;
  if (closed > 0)
    return [
      {
        detail: `check ${check}: our user may not read ${closed} of its paths (\`bartizan probe\` names them)`,
      },
    ];
  if (measured('apiserver_detail') !== 0) return [];
  return [
    {
      detail: `check ${check}: the API server is alive, and hides its state from us`,
      advice:
        'let anonymous requests ask /readyz, /livez and /version, or give the check a read-only credential (docs/control-planes.md)',
    },
  ];
}

/** A node without a forced command accepts signed scripts, too; `open` shows that it runs any. */
function signatureText(samples: readonly Sample[]): string {
  const left = samples.find(({ metric }) => metric === 'signature_expiry')?.value;
  return left === undefined ? '' : `, signed for another ${Math.floor(left / 86_400)} days`;
}

function clockWarnings(samples: readonly Sample[]): Advice[] {
  const seconds = samples.find(({ metric }) => metric === 'clock_offset')?.value ?? 0;
  if (Math.abs(seconds) <= MOST_SKEW_SECONDS) return [];
  const span = formatMetricValue(Math.abs(seconds), findMetric('clock_offset'));
  return [
    {
      detail: `its clock is ${span} ${seconds > 0 ? 'ahead of' : 'behind'} ours`,
      advice: 'check the time service (chrony, ntpd) there and here',
    },
  ];
}

function diskWarnings(samples: readonly Sample[]): Advice[] {
  return samples
    .filter(({ metric, value }) => /^(disk|inode)_usage$/.test(metric) && value >= FULL_PERCENT)
    .map(({ metric, labels, value }) => ({
      detail: `${labels.mount} has used ${formatMetricValue(value, findMetric(metric))}${metric === 'inode_usage' ? ' of its inodes' : ''}`,
      advice: `free space on ${labels.mount}`,
    }));
}
