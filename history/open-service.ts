// The history service of a runner: every interface, and who may use them.

import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Secrets, TokenState } from '../core/ports.ts';
import { type AccessOptions, createAuthenticate } from './access/authenticate.ts';
import { createLimitedPorts } from './access/limited-ports.ts';
import { createOidc } from './access/oidc.ts';
import { createAlertmanagerRoutes } from './alertmanager/routes.ts';
import { createApiRoutes } from './api/routes.ts';
import type { HistoryPorts } from './ports.ts';
import { createPrometheusRoutes } from './prometheus/routes.ts';
import { createHistoryService, type HistoryService, type ServiceOptions } from './service.ts';

export interface RunnerOptions
  extends Pick<ServiceOptions, 'limits' | 'mostAnswerBytes' | 'isSecure'>,
    Pick<AccessOptions, 'loopback' | 'iamScope'> {
  /** Those that see everything. */
  ports: HistoryPorts;
  tokens: AccessOptions['tokens'] & Pick<TokenState, 'findToken'>;
  secrets: Pick<Secrets, 'resolve'>;
  /** As they are now: another `oidc` needs another service. */
  server: Pick<Config['server'], 'oidc' | 'publicUrl'>;
}

/** Without a usable provider of logins nobody can log in; tokens work, and the log says why. */
export async function openHistoryService(options: RunnerOptions): Promise<HistoryService> {
  const { ports, tokens, loopback, iamScope } = options;
  const { clock, logger, meter } = ports;
  const logins = await openLogins(options);
  const limited = createLimitedPorts(ports);
  return createHistoryService({
    ...options,
    authenticate: createAuthenticate({
      ...{ tokens, loopback, clock, logger, meter },
      ...(iamScope && { iamScope }),
      sessions: logins?.sessions,
    }),
    portsFor: async (principal) => limited(principal),
    routes: [createPrometheusRoutes(), createAlertmanagerRoutes(), createApiRoutes()],
    publicRoutes: logins ? [logins.routes] : [],
    logger,
  });
}

async function openLogins({ server: { oidc, publicUrl }, ports, secrets }: RunnerOptions) {
  if (!oidc || publicUrl === undefined) return undefined;
  try {
    return await createOidc({ ...ports, oidc, publicUrl, secrets });
  } catch (error) {
    ports.logger.error('nobody can log in: `server.oidc` cannot be used', { error: describeError(error) });
    return undefined;
  }
}
