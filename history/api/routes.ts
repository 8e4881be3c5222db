import { addAlerts } from './alerts.ts';
import { type Api, createApi } from './api.ts';
import { addAudit } from './audit.ts';
import { addBacktests } from './backtests.ts';
import { describeApi, type OpenApiDocument } from './document.ts';
import { errorBody } from './errors.ts';
import { addIncidents } from './incidents.ts';
import { addInventory } from './inventory.ts';
import { PAGE_HEADERS, renderPage } from './page.ts';
import { addPictures } from './pictures.ts';
import { addRange } from './range.ts';
import { addRules } from './rules.ts';
import { addSeries } from './series.ts';
import { addSilences } from './silences.ts';
import { addStatus } from './status.ts';
import { addTransitions } from './transitions.ts';

/** Our own interface: `/v1/…`, the document that describes it, and a page made from that. */
export function createApiRoutes(): Api {
  const api = createApi();
  addInventory(api);
  addSeries(api);
  addRange(api);
  addAlerts(api);
  addTransitions(api);
  addIncidents(api);
  addSilences(api);
  addBacktests(api);
  addRules(api);
  addAudit(api);
  addPictures(api);
  addStatus(api);
  let document: OpenApiDocument | undefined;
  let page: string | undefined;
  const described = () => {
    document ??= describeApi(api);
    return document;
  };
  api.get('/openapi.json', (c) => c.json(described()));
  api.get('/docs', (c) => {
    page ??= renderPage(described());
    return c.body(page, 200, PAGE_HEADERS);
  });
  refuseOthers(api);
  return api;
}

/** Other methods of known paths, and other paths under `/v1`. */
function refuseOthers(api: Api): void {
  const methods = Map.groupBy(api.routes, ({ path }) => path);
  for (const [path, routes] of methods) {
    const allowed = [...new Set(routes.map(({ method }) => method))].flatMap((method) =>
      method === 'GET' ? ['GET', 'HEAD'] : [method],
    );
    api.all(path, (c) => {
      const message = `${path} has no method ${c.req.method}`;
      return c.json(errorBody(405, message, `possible: ${allowed.join(', ')}`), 405, {
        allow: allowed.join(', '),
      });
    });
  }
  api.all('/v1/*', (c) => c.json(errorBody(404, 'there is no such path', '`/docs` lists them'), 404));
}
