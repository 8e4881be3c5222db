// Who asks, and what that one may see and do.

import type { Matcher } from '../core/model/silence.ts';
import { SCOPES, type Scope } from '../core/model/token.ts';

export { SCOPES, type Scope };

export interface Principal {
  /** For audit and silences: `token grafana`, `ada@example.com`, an ARN, `loopback`. */
  name: string;
  scope: Scope;
  /**
   * What it may see: series, alerts and nodes whose labels (those of the inventory included) match all of these. What lacks
   * one of these labels is hidden. Absent: all.
   */
  selector?: readonly Matcher[];
}

export function may(principal: Principal, scope: Scope): boolean {
  return SCOPES.indexOf(principal.scope) >= SCOPES.indexOf(scope);
}

/** What the process that serves knows of the connection. No header proves any of it. */
export interface Caller {
  /** The remote address; '' where it is not known. */
  address: string;
  /** The caller is on this machine, and no proxy is in between. */
  isLocal: boolean;
  /** On AWS, at the address with IAM: the caller's ARN, which AWS has verified. */
  arn?: string;
}

/** A caller of whom nothing is known. */
export const ANYBODY: Caller = { address: '', isLocal: false };
