import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../../../core/model/audit.ts';
import type { CommandConfig } from '../../../core/model/command.ts';
import type { Failure } from '../../../core/model/observation.ts';
import { COMMAND_BEGIN, parseCommandOutput } from '../../../core/parse/command-output.ts';
import type { Audit } from '../../../core/ports.ts';
import type { Signatures } from '../../../core/signatures/signature-file.ts';
import { logInAudited } from '../../ssh/audited-login.ts';
import { type BastionConnection, openBastionConnection } from '../../ssh/bastion-connection.ts';
import type { SeenOutput } from '../../ssh/command.ts';
import { ProbeError } from '../../ssh/failure.ts';
import { accessTo, type NodeLogin } from '../../tunnel/route.ts';
import { createNodeHandle } from '../node-handle.ts';
import { createScriptForms } from '../script-forms.ts';
import { commandScript, waitMs } from './script.ts';

export interface HandRun {
  /** Absent: the script did not run to its end, and `failure` says why. */
  exitCode?: number;
  failure?: Failure;
  stdout: string;
  /** With what a login shell adds. */
  stderr: string;
}

/**
 * Runs an entry of the catalogue once on a node, through its bastion, in a session as checks have. The audit has a line
 * before the script starts, and one at its end. A signal cuts the connection. @throws ConfigError, and errors of the audit
 */
export async function runByHand(
  entry: CommandConfig,
  options: Omit<NodeLogin, 'record'> & {
    audit: Audit;
    signal: AbortSignal;
    signatures: Signatures | undefined;
  },
): Promise<HandRun> {
  const { bastion, target, sessions, accessor, nowMs, audit, signal } = options;
  const script = commandScript(entry);
  const seen: SeenOutput = { stdout: [], stderr: [] };
  const written: Promise<unknown>[] = [];
  const record = (line: AuditEntry) => {
    const append = audit.append([line]);
    append.catch(() => {});
    written.push(append);
  };
  const line = {
    atMs: nowMs(),
    ...accessor,
    connection: randomUUID(),
    bastion: bastion.name,
    target: `${target.cluster}/${target.node}`,
    command: script.name,
    commandSha256: script.sha256,
  };
  const result = (end: Pick<HandRun, 'exitCode' | 'failure'>): HandRun => ({
    ...end,
    stdout: outputOf(Buffer.concat(seen.stdout).toString('utf8')),
    stderr: Buffer.concat(seen.stderr).toString('utf8'),
  });
  let connection: BastionConnection | undefined;
  const cut = () => connection?.destroy();
  signal.addEventListener('abort', cut);
  try {
    connection = await logInAudited(bastion, { ...options, record }, (access) =>
      openBastionConnection({ ...access, sessions, nowMs, count: () => {}, signal }),
    );
    const deadlines = { ...bastion.deadlines, execMs: waitMs(entry), leftMs: Number.POSITIVE_INFINITY };
    const access = { ...(await accessTo({ ...options, record })), deadlines };
    await audit.append([{ ...line, event: 'opened', durationMs: 0, bytes: 0, outcome: 'opened' }]);
    const { handle } = createNodeHandle(
      {
        connection,
        bastion,
        roundMs: line.atMs,
        nowMs,
        ...accessor,
        audit: (closed) => record({ ...closed, ...line, event: 'closed' }),
        resampleAfterMs: 0,
        forms: createScriptForms()(options.signatures),
      },
      access,
    );
    const limits = { timeoutMs: waitMs(entry), maxBytes: entry.maxOutputBytes, seen };
    const { parsed } = await handle.run(script, parseCommandOutput, limits);
    return result({ exitCode: parsed.exitCode });
  } catch (error) {
    if (signal.aborted) return result({ failure: STOPPED });
    if (!(error instanceof ProbeError)) throw error;
    return result({ failure: error.failure });
  } finally {
    signal.removeEventListener('abort', cut);
    connection?.close();
    // Every access must be in the audit: a command whose audit cannot be written fails.
    await Promise.all(written);
  }
}

const STOPPED: Failure = {
  reason: 'protocol',
  phase: 'exec',
  detail: 'stopped by a signal; the script may go on to its time limit on the node',
};

/** What the script itself printed: without our lines, and without what a login shell prints before. */
function outputOf(text: string): string {
  const parsed = parseCommandOutput(text);
  if (parsed) return parsed.stdout;
  const begin = text.indexOf(`${COMMAND_BEGIN}\n`);
  return begin < 0 ? text : text.slice(begin + COMMAND_BEGIN.length + 1);
}
