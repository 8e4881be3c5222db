import type { Reading } from '../../../core/parse/reading.ts';
import { versionNumber } from '../../../core/parse/version.ts';
import { ProbeError } from '../../ssh/failure.ts';
import { reading } from '../service-probe.ts';
import { type Ask, type HiddenPath, healthOf, oddNote } from './health.ts';
import type { Kept } from './kept.ts';

const PATH = '/version';
/** A version changes with a restart, after which it is asked at once. */
const ASKED_EVERY_MS = 3_600_000;

export interface Version {
  readings: Reading[];
  notes: string[];
  hidden: HiddenPath[];
  kept: Omit<Kept, 'lastFailures'>;
}

/** The version, asked once an hour. Rules on skew need it each round, so the one of the last answer goes on. */
export async function observeVersion(ask: Ask, roundMs: number, kept: Kept): Promise<Version> {
  const { versionAskedMs, version, versionStatus } = kept;
  const isRecent = versionAskedMs !== undefined && Math.abs(roundMs - versionAskedMs) < ASKED_EVERY_MS;
  if (isRecent) return foundOf({ versionAskedMs, version, versionStatus });
  const answer = await ask(PATH);
  // It is asked again in the next round.
  if (answer instanceof ProbeError) return foundOf({ version }, [`${PATH}: ${answer.message}`]);
  if (healthOf(answer) === 'hidden')
    return foundOf({ versionAskedMs: roundMs, versionStatus: answer.status });
  const number = versionIn(answer.body);
  const notes = number === undefined ? [oddNote(PATH, answer)] : [];
  return foundOf({ versionAskedMs: roundMs, version: number }, notes);
}

function foundOf(
  known: { [Name in keyof Version['kept']]: Version['kept'][Name] | undefined },
  notes: string[] = [],
): Version {
  const { versionAskedMs, version, versionStatus } = known;
  return {
    readings: version === undefined ? [] : [reading('apiserver_version', version)],
    notes,
    hidden: versionStatus === undefined ? [] : [{ path: PATH, status: versionStatus }],
    kept: {
      ...(versionAskedMs !== undefined && { versionAskedMs }),
      ...(version !== undefined && { version }),
      ...(versionStatus !== undefined && { versionStatus }),
    },
  };
}

function versionIn(body: string): number | undefined {
  try {
    const { gitVersion } = JSON.parse(body) as { gitVersion?: unknown };
    return typeof gitVersion === 'string' ? versionNumber(gitVersion) : undefined;
  } catch {
    return undefined;
  }
}
