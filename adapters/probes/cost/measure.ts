// Measures what checks cost a node, its connections and this process, for `probe --cost`.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../../core/model/batch.ts';
import type { Cost, NodeCpu, Traffic } from '../../../core/model/cost.ts';
import type { Observation } from '../../../core/model/observation.ts';
import { parseCost, type SessionCpu } from '../../../core/parse/cost-output.ts';
import { shareBudget } from '../../../core/plan/deadlines.ts';
import type { NodeAccess } from '../../ssh/node-sessions.ts';
import { createPenalties } from '../../ssh/penalties.ts';
import { type CheckAccess, createNodeHandle, type ProbeContext } from '../node-handle.ts';
import { type ConfiguredProbe, probeNode } from '../probe-node.ts';
import { asProbeError } from '../script-probe.ts';
import { costScript } from './cost-script.ts';

/** Hundredths of a second, in which the system counts commands, spread over so many runs are a millisecond. */
export const COST_RUNS = 10;

/** Everything that is counted, at one moment. */
interface Count {
  /** A text says why it is unknown. */
  cpu: SessionCpu | string;
  ownCpuMs: number;
  node: Traffic;
  wire: Traffic;
}

/** Measures the checks of a batch that worked, one node after the other: nothing else may use the connection meanwhile. */
export async function measureCosts(
  batch: Batch,
  context: ProbeContext,
  accesses: readonly Omit<NodeAccess, 'penalties'>[],
  checks: readonly ConfiguredProbe[],
  observations: readonly Observation[],
  onCost: (cost: Cost) => void,
): Promise<void> {
  const penalties = createPenalties(context.nowMs);
  for (const accessible of accesses) {
    const { target, deadlines } = accessible;
    const working = observations.filter((one) => one.target === target && one.result.ok);
    const measured = checks.filter(({ check }) => working.some((one) => one.check === check.name));
    if (measured.length === 0) continue;
    /** Each run has a round's share of time. */
    const access = (): CheckAccess => ({
      ...accessible,
      penalties,
      deadlines: shareBudget(deadlines, batch, () => performance.now(), 1)(),
    });
    await measureNode(context, access, measured, (cost) => onCost({ target, ...cost }));
  }
}

/** Logs in several times, runs each check `COST_RUNS` times in the last session, and reports the costs, less that of measuring. */
async function measureNode(
  context: ProbeContext,
  access: () => CheckAccess,
  checks: readonly ConfiguredProbe[],
  onCost: (cost: Omit<Cost, 'target'>) => void,
): Promise<void> {
  const { connection } = context;
  /** Logs in anew. After a proper disconnect sshd would not wait for its process of the user, and the time of that were lost. */
  const logIn = async () => {
    // Where that fails, the count says why.
    await connection.openNode(access()).then(connection.dropNode, asProbeError);
    return count(context, access());
  };
  const start = await logIn();
  let login = start;
  for (let i = 0; i < COST_RUNS; i++) login = await logIn();
  let last = login;
  for (let i = 0; i < COST_RUNS; i++) last = await count(context, access());
  /** What one measurement costs by itself. */
  const own = meanOf(login, last, COST_RUNS, undefined);
  const logins = meanOf(start, login, COST_RUNS, own, COST_RUNS);
  onCost({ runs: COST_RUNS, ...logins, nodeCpu: loginCpu(start.cpu, login.cpu, own.nodeCpu) });
  for (const configured of checks) {
    // As in a round of every day: with what an earlier one kept nothing needs a second sample, or is asked once an hour.
    const { kept } = await probeNode(context, access(), configured, undefined);
    await sleep(context.resampleAfterMs);
    const first = await count(context, access());
    let failed: string | undefined;
    let runs = 0;
    for (; runs < COST_RUNS && failed === undefined; runs++) {
      const { result } = (await probeNode(context, access(), configured, kept)).observation;
      if (!result.ok) failed = `a run failed: ${result.failure.detail}`;
    }
    const mean = meanOf(first, await count(context, access()), runs, own);
    const nodeCpu = failed === undefined ? mean.nodeCpu : { isKnown: false as const, why: failed };
    onCost({ check: configured.check.name, runs, ...mean, nodeCpu });
  }
}

type Mean = Pick<Cost, 'ownCpuMs' | 'nodeCpu' | 'node' | 'wire'>;

function countHere({ connection }: ProbeContext): Omit<Count, 'cpu'> {
  const { user, system } = process.cpuUsage();
  return { ownCpuMs: (user + system) / 1_000, ...connection.traffic() };
}

/** Reads the CPU time on the node, then everything on this side. */
async function count(context: ProbeContext, access: CheckAccess): Promise<Count> {
  const { handle } = createNodeHandle(context, access);
  try {
    const { parsed } = await handle.run(costScript, parseCost);
    return { ...countHere(context), cpu: parsed.cpu };
  } catch (error) {
    return { ...countHere(context), cpu: asProbeError(error).message };
  }
}

/** The mean of `runs` between two counts, less the cost of the measurements among them. */
function meanOf(
  before: Count,
  after: Count,
  runs: number,
  measuring: Mean | undefined,
  measurements = 1,
): Mean {
  const each = (from: number, to: number, less = 0) => Math.max(0, to - from - measurements * less) / runs;
  const traffic = (from: Traffic, to: Traffic, less?: Traffic): Traffic => ({
    sentBytes: Math.round(each(from.sentBytes, to.sentBytes, less?.sentBytes)),
    receivedBytes: Math.round(each(from.receivedBytes, to.receivedBytes, less?.receivedBytes)),
  });
  return {
    ownCpuMs: each(before.ownCpuMs, after.ownCpuMs, measuring?.ownCpuMs),
    node: traffic(before.node, after.node, measuring?.node),
    wire: traffic(before.wire, after.wire, measuring?.wire),
    nodeCpu: nodeCpuOf(before.cpu, after.cpu, (from, to) => {
      const less = measuring?.nodeCpu.isKnown ? measuring.nodeCpu : undefined;
      return {
        sshdMs: each(from.sshdMs, to.sshdMs, less?.sshdMs),
        commandsMs: each(from.ranMs, to.ranMs, less?.commandsMs),
      };
    }),
  };
}

/** Ended sessions are the server's own account. Where it is hidden, the process that exchanged keys shows little of its time. */
function loginCpu(before: Count['cpu'], after: Count['cpu'], measuring: NodeCpu): NodeCpu {
  for (const cpu of [before, after]) if (typeof cpu === 'string') return { isKnown: false, why: cpu };
  const [from, to] = [before, after] as [SessionCpu, SessionCpu];
  const [sshdMs, commandsMs] = measuring.isKnown ? [measuring.sshdMs, measuring.commandsMs] : [0, 0];
  if (from.endedMs === undefined || to.endedMs === undefined) {
    const least = Math.max(0, to.sshdMs + to.ranMs - sshdMs);
    return { isKnown: true, sshdMs: least, commandsMs: 0, isLeast: true };
  }
  const meanMs = (to.endedMs - from.endedMs) / COST_RUNS;
  return { isKnown: true, sshdMs: Math.max(0, meanMs - sshdMs - commandsMs), commandsMs: 0 };
}

function nodeCpuOf(
  before: Count['cpu'],
  after: Count['cpu'],
  difference: (before: SessionCpu, after: SessionCpu) => { sshdMs: number; commandsMs: number },
): NodeCpu {
  for (const cpu of [before, after]) if (typeof cpu === 'string') return { isKnown: false, why: cpu };
  const [from, to] = [before, after] as [SessionCpu, SessionCpu];
  if (from.processes.join() !== to.processes.join())
    return { isKnown: false, why: 'its session was opened anew meanwhile' };
  return { isKnown: true, ...difference(from, to) };
}
