import type { BastionConfig, SessionsConfig } from '../../core/model/config.ts';
import { connectToBastion } from './bastion-socket.ts';
import { checkListener } from './listener-check.ts';
import { isListenerCheckDue, isRenewalDue, type LoginAge } from './renewal.ts';

/** Checks, beside the connections that we keep to a bastion, that it still lets us log in. One check serves them all. */
export interface LoginChecks {
  /** Call it when a login has succeeded. */
  recordLogin(bastion: BastionConfig, roundMs: number): void;
  /** Calls `login` where the last one is too old. @throws ProbeError */
  check(bastion: BastionConfig, roundMs: number, login: () => Promise<void>): Promise<void>;
}

interface LastLogin extends LoginAge {
  pending: Promise<void>;
}

export function createLoginChecks(sessions: SessionsConfig): LoginChecks {
  const lastLogins = new Map<string, LastLogin>();

  async function begin(
    bastion: BastionConfig,
    last: LastLogin,
    roundMs: number,
    login: () => Promise<void>,
  ): Promise<void> {
    if (isRenewalDue(last, roundMs, sessions.renewMs)) {
      await login();
      last.openedRoundMs = roundMs;
    } else if (sessions.door && isListenerCheckDue(last, roundMs)) {
      const deadlineMs = bastion.deadlines.bastionMs;
      await checkListener({ ...connectToBastion(bastion), phase: 'bastion', deadlineMs });
    } else return;
    last.provenRoundMs = roundMs;
  }

  return {
    recordLogin({ name }, roundMs) {
      lastLogins.set(name, {
        openedRoundMs: roundMs,
        usedRoundMs: roundMs,
        provenRoundMs: roundMs,
        pending: Promise.resolve(),
      });
    },
    check(bastion, roundMs, login) {
      const last = lastLogins.get(bastion.name);
      // The pool keeps no connection that was not opened by a login.
      if (!last) return login();
      if (last.usedRoundMs !== roundMs) {
        last.pending = begin(bastion, last, roundMs, login);
        last.pending.catch(() => {});
        last.usedRoundMs = roundMs;
      }
      return last.pending;
    },
  };
}
