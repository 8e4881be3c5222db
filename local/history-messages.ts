// The messages between `up` and the process of its history service.

import type { Findings } from '../core/health.ts';
import type { MeterChange } from '../core/meter.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Caller } from '../history/principal.ts';

export interface HistoryRequest {
  method: string;
  url: string;
  headers: [name: string, value: string][];
  body?: Uint8Array<ArrayBuffer>;
  caller: Caller;
}

/** What the child asks of `up`, which has the secrets, the audit, and what is known of health. */
export type Question =
  | { of: 'secret'; text: string; isRenewed: boolean }
  | { of: 'action'; action: AuditAction }
  | { of: 'health' };

export type Reply = string | Findings | undefined;

export type ToChild =
  /** The first message, and what changes; with the clusters of inventories. */
  | { kind: 'config'; config: Config }
  | { kind: 'request'; id: number; request: HistoryRequest }
  /** The client has taken what was sent, and reads on. */
  | { kind: 'more'; id: number }
  /** The client has left. */
  | { kind: 'gone'; id: number }
  /** Whether nothing holds it up. */
  | { kind: 'ping'; id: number }
  | { kind: 'reply'; id: number; reply: Reply }
  | { kind: 'no-reply'; id: number; error: string };

export type FromChild =
  | { kind: 'head'; id: number; status: number; headers: [string, string][] }
  | { kind: 'chunk'; id: number; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end'; id: number }
  | { kind: 'pong'; id: number }
  /** What was sent is no whole answer. */
  | { kind: 'broken'; id: number }
  | { kind: 'ask'; id: number; question: Question }
  | { kind: 'measure'; change: MeterChange }
  | {
      kind: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      message: string;
      fields?: Record<string, unknown>;
    };
