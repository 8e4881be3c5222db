import type { Target } from '../../core/model/target.ts';
import type { Reading } from '../../core/parse/reading.ts';
import type { CheckDeadlines } from '../../core/plan/deadlines.ts';
import type { CommandOutput, Script, SeenOutput } from '../ssh/command.ts';
import type { ProbeError } from '../ssh/failure.ts';
import type { Tunnel } from '../ssh/tunnel.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';

/**
 * Who opens a connection: the bastion to an address of the node, as `ssh -L 8080:node:80 bastion` does, or the node itself,
 * mostly to its loopback, as `ssh -J bastion -L 8080:127.0.0.1:80 node` does.
 */
export type Via = 'bastion' | 'node';

export interface Endpoint {
  via: Via;
  /** Absent: the address of the node for `bastion`, 127.0.0.1 for `node`. */
  host?: string | undefined;
  port: number;
  /** A node may have no service there, and that is no fault. */
  optional?: boolean;
}

/** The options of a check as its probe kind's schema returns them (`checkOptions`), with secrets in place of references. */
export type CheckOptions = Readonly<Record<string, unknown>>;

/** A kind of check. Each is a folder here and a line in the registry. */
export interface Probe {
  /** Names of its metrics, from the catalogue. */
  metrics: readonly string[];
  /** Scripts that a node must allow whatever the options are, and those of the previous release. */
  catalogue: readonly Pick<Script, 'name' | 'sha256'>[];
  /** The scripts that a check with these options runs. */
  scriptsFor(options: CheckOptions): readonly Script[];
  /** Where a check with these options connects to, beside the node's SSH port. `keys` permits no other. */
  endpointsFor(options: CheckOptions): readonly Endpoint[];
  /** Whether a check with these options needs a session with the node. If not, it says nothing about `up`. */
  logsIn(options: CheckOptions): boolean;
  /**
   * Observes one node in one round. What a service answers, or that it does not answer, is a finding and not an error.
   * `before` is what the check kept of the node in an earlier round: from storage, so it may be anything.
   * @throws ProbeError when the check could not be made: no way to the node, no permission, output that nobody understands
   */
  observe(
    node: NodeHandle,
    check: { name: string; options: CheckOptions; everyMs: number },
    before: unknown,
  ): Promise<Finding>;
}

export interface Finding {
  readings: readonly Reading[];
  /** Lines for people, about what is missing or odd. No secrets. */
  notes: readonly string[];
  /** What the next round needs of this one; plain JSON. Absent: what was kept stays. */
  kept?: unknown;
  /** The check ran over a session of before, and whether somebody could log in now is unknown. */
  login?: 'unknown';
  /** Readings that belong to a node like this are missing, as the service hides them or does not answer: they are unknown. */
  isPartial?: boolean;
  /** What failed and cost the check some of its readings only. */
  error?: ProbeError;
  /** Something did not answer, and readings say so. They hold only if the bastion works: the prober checks that. */
  silence?: ProbeError;
}

/** What a probe can do with the node it observes. Everything is bounded, and written to the audit. */
export interface NodeHandle {
  target: Target;
  /** Scheduled time of the round. */
  roundMs: number;
  deadlines: CheckDeadlines;
  nowMs(): number;
  /** Masks the secrets of the check in what a service sent: before a part of it is kept, compared or quoted. */
  redact(text: string): string;
  /** Waits before a second run of a script, for rates where an earlier round left no counters. */
  waitToResample(): Promise<void>;
  /**
   * Runs a script of the catalogue in the node's session. `parse` returns undefined for what is not the script's output.
   * `limits` may be narrower than those of the check. @throws ProbeError
   */
  run<T extends ScriptFacts | object>(
    script: Script,
    parse: (text: string) => T | undefined,
    limits?: ScriptLimits,
  ): Promise<ScriptRun<T>>;
  /**
   * Opens a connection. Its allowance of bytes is the caller's. `dialMs` leaves out a login at the node before.
   * @throws ProbeError
   */
  dial(endpoint: Endpoint): Promise<Tunnel & { dialMs: number }>;
  /**
   * Exchanges keys with the node's SSH server through the bastion, and disconnects without a login. `tookMs` begins with
   * dialling. @throws ProbeError, also for a key that is not pinned
   */
  exchangeKeys(): Promise<{ type: string; fingerprint: string; tookMs: number }>;
  /**
   * Sends one HTTP request over a connection that stays open for the next. With `tls.mustVerify` the certificate must be for
   * `tls.name`, else `tls.servername`, else the address of the node. @throws ProbeError
   */
  request(endpoint: Endpoint, request: HttpRequest): Promise<HttpAnswer>;
}

export interface ScriptLimits {
  timeoutMs: number;
  maxBytes: number;
  /** Gets what the script prints, also when it is cut off. */
  seen?: SeenOutput;
}

/** What a script may say about its node beside its own output. */
export interface ScriptFacts {
  /** Whether a process listens on the port of this session; undefined: unknown. */
  listens?: boolean | undefined;
  clockMs?: number | undefined;
}

export interface ScriptRun<T> {
  parsed: T;
  /** The node's clock minus ours; undefined: the script does not print it. */
  offsetSeconds: number | undefined;
  /** Whether a new login would succeed now, as far as we checked. */
  login: boolean;
  output: CommandOutput;
}
