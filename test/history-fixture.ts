// The history service over ports in memory, as one principal, for tests.

import type { Hono } from 'hono';
import type { FoundRecords } from '../adapters/audit/search.ts';
import type { Findings } from '../core/health.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import type { Clock, StateStore } from '../core/ports.ts';
import { createHistoryApp, type HistoryEnv } from '../history/app.ts';
import type { HistoryPorts } from '../history/ports.ts';
import type { Principal, Scope } from '../history/principal.ts';
import { createRecordingLogger } from './recording-logger.ts';

export interface HistoryFixtureOptions {
  routes: readonly Hono<HistoryEnv>[];
  state: StateStore;
  store: HistoryPorts['store'];
  config: Config;
  targets?: readonly Target[];
  clock: Clock;
  scope?: Scope;
  /** Who asks must send it as a bearer token. Default: nobody needs one. */
  token?: string;
  /** Replaces some of the ports. */
  ports?: Partial<HistoryPorts>;
}

export function createHistoryFixture(options: HistoryFixtureOptions) {
  const { state, store, config, clock, targets = [], scope = 'admin' } = options;
  const principal: Principal = { name: 'token test', scope };
  const actions: AuditAction[] = [];
  const health: Findings = { reasons: [], warnings: [] };
  const logger = createRecordingLogger();
  const ports: HistoryPorts = {
    config: async () => config,
    targets: async () => targets,
    store,
    state,
    clock,
    logger,
    meter: { count() {}, gauge() {}, observe() {} },
    findAuditLines: async (): Promise<FoundRecords> => ({ records: [], unreadable: 0, isCut: false }),
    async recordAction(action) {
      actions.push(action);
    },
    health: async () => health,
    ...options.ports,
  };
  const app = createHistoryApp({
    authenticate: async (request) => {
      const { token } = options;
      if (token === undefined || request.headers.get('authorization') === `Bearer ${token}`) return principal;
      const error = { code: 'unauthorised', message: 'no valid token came with the request' };
      return Response.json({ error }, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    },
    portsFor: async () => ports,
    routes: options.routes,
  });
  return {
    app,
    ports,
    /** What changes of state left in the audit. */
    actions,
    health,
    logger,
    principal,
    get: (path: string) => app.request(path, undefined, {}),
    async json(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
      const response = await app.request(path, init, {});
      return { status: response.status, body: await response.json() };
    },
  };
}
