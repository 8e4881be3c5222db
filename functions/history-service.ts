// The history service in the function history: every interface over the ports of functions.

import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Settings } from '../core/deployment/expanded.ts';
import { describeError } from '../core/errors.ts';
import type { AuditAction } from '../core/model/audit.ts';
import type { SampleStore } from '../core/ports.ts';
import { TOO_LARGE } from '../history/answer.ts';
import { interfaceOf, type Refusal, refuse } from '../history/interfaces.ts';
import { openHistoryService } from '../history/open-service.ts';
import type { HistoryPorts } from '../history/ports.ts';
import { type HistoryService, withSecurityHeaders } from '../history/service.ts';
import { reportHealth } from './health-report.ts';
import { readRequest, toResult } from './history-event.ts';
import type { Services } from './services.ts';

type Result = APIGatewayProxyStructuredResultV2;

export interface HistoryQueries {
  /** Answers a request to one of the interfaces, within the time that the call has left. Never rejects. */
  answer(event: unknown, path: string, remainingMs: number): Promise<Result>;
}

/** What the function keeps to say that a query took too long. */
const REST_MS = 2_000;
const LEAST_MS = 1_000;

const UNAVAILABLE: Refusal = {
  status: 503,
  code: 'unavailable',
  message: 'history cannot be read now; the log of the function says why. Try again',
  retryAfterS: 5,
};
const FAILED: Refusal = {
  status: 500,
  code: 'failed',
  message: 'the request failed because of an error of the server, which its log names',
};
const UPDATED: Refusal = {
  status: 503,
  code: 'busy',
  message:
    'a release without queries wrote the active configuration; ask again in a minute, when it is written anew',
  retryAfterS: 60,
};
const SWITCHED_OFF: Refusal = {
  status: 404,
  code: 'switched-off',
  message: 'this deployment answers no queries: `server.history.enabled` is false',
};

/**
 * A container answers one request at a time, so that its limits of rate are its own, and reserved concurrency bounds them all.
 */
export function createHistoryQueries(services: () => Services): HistoryQueries {
  let opened: { of: string; store: SampleStore; service: Promise<HistoryService> } | undefined;
  let settings: Settings;
  let timeoutMs = LEAST_MS;

  /** Another one after a change of what it is made of. */
  async function serviceNow(): Promise<HistoryService | Refusal> {
    const own = services();
    settings = await own.config();
    const { server } = settings;
    // Sections of a release before queries lack it until `plan` has written them anew.
    if (!(server as Partial<typeof server>).history) return UPDATED;
    if (!server.history.enabled) return SWITCHED_OFF;
    const store = await own.store();
    const of = JSON.stringify([server.oidc, server.publicUrl]);
    if (opened?.of !== of || opened.store !== store) {
      const service = openService(own, settings, store, () => ({
        timeoutMs: Math.min(timeoutMs, settings.server.history.timeoutMs),
        maxQueries: settings.server.history.maxQueries,
      }));
      opened = { of, store, service };
      // One that could not be opened is opened again with the next request.
      service.catch(() => {
        opened = undefined;
      });
    }
    return await opened.service;
  }

  async function answer(event: unknown, remainingMs: number): Promise<Response | Refusal> {
    timeoutMs = Math.max(LEAST_MS, remainingMs - REST_MS);
    const { environment, logger } = services();
    const signal = AbortSignal.timeout(timeoutMs + REST_MS / 2);
    const read = readRequest(event, { access: environment.HISTORY_ACCESS, signal });
    if (!('request' in read)) return read;
    try {
      const service = await serviceNow();
      return 'answer' in service ? await service.answer(read.request, read.caller) : service;
    } catch (error) {
      logger.error('history cannot be read', { error: describeError(error) });
      return UNAVAILABLE;
    }
  }

  return {
    async answer(event, path, remainingMs) {
      const of = interfaceOf(path);
      const { logger, meter } = services();
      const refusal = async (refused: Refusal) =>
        (await toResult(withSecurityHeaders(refuse(of, refused), true))) ?? { statusCode: refused.status };
      let result: Result;
      try {
        const found = await answer(event, remainingMs);
        result =
          found instanceof Response
            ? ((await toResult(found)) ?? (await refusal(TOO_LARGE)))
            : await refusal(found);
      } catch (error) {
        logger.error('an answer of history broke off', { path, error: describeError(error) });
        result = await refusal(FAILED);
      }
      meter.count('history_requests_total', { interface: of ?? '', code: String(result.statusCode) });
      return result;
    },
  };
}

async function openService(
  services: Services,
  { server }: Settings,
  store: SampleStore,
  limits: () => { timeoutMs: number; maxQueries: number },
): Promise<HistoryService> {
  const { environment, clock, logger, meter, secrets } = services;
  const state = await services.state();
  const isIam = environment.HISTORY_ACCESS === 'iam';
  const { oidc, ...withoutLogins } = server;
  return await openHistoryService({
    ports: {
      config: async () => (await services.knownFleet()).config,
      targets: async () => (await services.knownFleet()).targets,
      ...{ store, state, clock, logger, meter },
      recordAction: (action) => recordAction(services, action),
      draw: createDraw(),
      health: () => reportHealth(services),
    },
    tokens: state,
    secrets,
    // Callers whom AWS has authenticated need no login.
    server: isIam ? withoutLogins : server,
    limits,
    mostAnswerBytes: Number.POSITIVE_INFINITY,
    isSecure: true,
    loopback: () => 'none',
    // Who may call that address is decided by policies of IAM.
    ...(isIam && { iamScope: 'admin' as const }),
  });
}

/** Written when it resolves, and anchored, as the audit of probe. */
async function recordAction(services: Services, action: AuditAction): Promise<void> {
  const audit = await services.actionAudit();
  await Promise.all([audit.append([action]), audit.flush?.()]);
  const { writer, sequence, hash } = audit.head();
  await (await services.state()).putAuditHead(writer, { sequence, hash, atMs: services.clock.nowMs() });
}

/** Few requests draw, so only they load what draws. */
function createDraw(): NonNullable<HistoryPorts['draw']> {
  let renderer: Promise<import('../adapters/charts/renderer.ts').ChartRenderer> | undefined;
  return async (spec, signal) => {
    renderer ??= import('../adapters/charts/renderer.ts').then(({ createChartRenderer }) =>
      createChartRenderer(),
    );
    const { render } = await renderer;
    signal.throwIfAborted();
    return await render(spec);
  };
}
