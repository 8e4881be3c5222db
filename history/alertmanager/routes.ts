// Alertmanager's interface, version 2, over our alerts and silences, for amtool, karma and Grafana:
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. Errors are JSON strings, as there.

import { type Context, Hono } from 'hono';
import { RE2JS } from 're2js';
import type { Matcher } from '../../core/model/silence.ts';
import { compileMatcher } from '../../core/notify/silences.ts';
import { ForbiddenError } from '../access/forbidden.ts';
import type { HistoryEnv } from '../app.ts';
import { addSilence, changeSilence, endSilence, SilenceError } from '../silences.ts';
import { type FiringAlert, firingAlerts, groupsOf, NOBODY } from './alerts.ts';
import { BadRequestError } from './bad-request.ts';
import { parseMatcher } from './matcher-text.ts';
import { hasMatchers, parseSilence, shownSilences } from './silences.ts';

type HistoryContext = Context<HistoryEnv>;

/** The release whose interface this is: clients choose by it what they ask. */
const VERSION = '0.27.0';
const MOST_FILTERS = 50;
const LONGEST_EXPRESSION = 1_000;
const LARGEST_BODY = 262_144;

export function createAlertmanagerRoutes(): Hono<HistoryEnv> {
  const app = new Hono<HistoryEnv>().basePath('/api/v2');
  let startedAtMs: number | undefined;

  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });

  app.get('/status', (c) => {
    startedAtMs ??= c.var.ports.clock.nowMs();
    return c.json({
      cluster: { status: 'disabled', peers: [] },
      versionInfo: {
        version: VERSION,
        revision: '',
        branch: 'bartizan',
        buildUser: '',
        buildDate: '',
        goVersion: '',
      },
      config: { original: '# This is Bartizan; it has no configuration of Alertmanager.\n' },
      uptime: new Date(startedAtMs).toISOString(),
    });
  });

  app.get('/receivers', async (c) => {
    const { channels } = await c.var.ports.config();
    return c.json([...channels.map(({ name }) => ({ name })), { name: NOBODY }]);
  });

  app.get('/alerts', async (c) => {
    const isReceiver = receiverFilter(c);
    const alerts = (await selectedAlerts(c)).map(({ shown }) => shown);
    return c.json(alerts.filter(({ receivers }) => receivers.some(({ name }) => isReceiver(name))));
  });

  app.post('/alerts', (c) =>
    c.json('alerts come from the rules of the configuration; this interface takes none', 400),
  );

  app.get('/alerts/groups', async (c) => {
    const isReceiver = receiverFilter(c);
    const groups = groupsOf(await selectedAlerts(c));
    return c.json(groups.filter(({ receiver }) => isReceiver(receiver.name)));
  });

  app.get('/silences', async (c) => {
    const filter = matchersOf(c);
    const creators = c.req.queries('creator') ?? [];
    const silences = (await shownSilences(c.var.ports)).filter(
      (silence) =>
        hasMatchers(silence, filter) && (creators.length === 0 || creators.includes(silence.createdBy)),
    );
    return c.json(silences);
  });

  app.post('/silences', async (c) => {
    const { id, request } = parseSilence(await bodyOf(c));
    const asker = { principal: c.var.principal, ports: c.var.ports };
    const silence = await (id === undefined ? addSilence(asker, request) : changeSilence(asker, id, request));
    return c.json({ silenceID: silence.id });
  });

  app.get('/silence/:id', async (c) => {
    const id = c.req.param('id');
    const silence = (await shownSilences(c.var.ports)).find((one) => one.id === id);
    return silence ? c.json(silence) : c.json('there is no such silence', 404);
  });

  app.delete('/silence/:id', async (c) => {
    await endSilence({ principal: c.var.principal, ports: c.var.ports }, c.req.param('id'));
    return c.body(null, 200);
  });

  app.all('*', (c) => c.json(`there is no ${c.req.method} ${c.req.path} here`, 404));
  app.onError((error, c) => {
    if (error instanceof BadRequestError) return c.json(error.message, 400);
    if (error instanceof SilenceError) return c.json(error.message, STATUSES[error.kind]);
    if (error instanceof ForbiddenError) return c.json(error.message, 403);
    throw error;
  });
  return app;
}

const STATUSES = { invalid: 400, unknown: 404 } as const;

/** The alerts that a request is about, by their labels and by what withholds them. */
async function selectedAlerts(c: HistoryContext): Promise<FiringAlert[]> {
  const tests = matchersOf(c).map(compileMatcher);
  const [active, silenced, inhibited] = ['active', 'silenced', 'inhibited'].map((name) => flagOf(c, name));
  // Ours are processed before anybody sees them; whether the value is one is checked all the same.
  flagOf(c, 'unprocessed');
  const alerts = await firingAlerts(c.var.ports, (labels) => tests.every((test) => test(labels)));
  return alerts.filter(
    ({ shown: { status } }) =>
      (active || status.state !== 'active') &&
      (silenced || status.silencedBy.length === 0) &&
      (inhibited || status.inhibitedBy.length === 0),
  );
}

function flagOf(c: HistoryContext, name: string): boolean {
  const text = c.req.query(name);
  if (text === undefined || text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new BadRequestError(`${name} is ${JSON.stringify(text.slice(0, 100))}; write true or false`);
}

function receiverFilter(c: HistoryContext): (name: string) => boolean {
  const source = c.req.query('receiver');
  if (source === undefined) return () => true;
  if (source.length > LONGEST_EXPRESSION)
    throw new BadRequestError(`receiver has ${LONGEST_EXPRESSION} characters at most`);
  try {
    const expression = RE2JS.compile(source);
    return (name) => expression.testExact(name);
  } catch (error) {
    throw new BadRequestError(`receiver is no regular expression (RE2 syntax): ${(error as Error).message}`);
  }
}

function matchersOf(c: HistoryContext): Matcher[] {
  const filters = c.req.queries('filter') ?? [];
  if (filters.length > MOST_FILTERS) throw new BadRequestError(`write ${MOST_FILTERS} filters at most`);
  return filters.map(parseMatcher);
}

/** A page of another site cannot send this type without being asked for it first, which is refused. */
async function bodyOf(c: HistoryContext): Promise<string> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new BadRequestError('write the header content-type: application/json, and a body of JSON');
  const body = await c.req.text();
  if (body.length > LARGEST_BODY)
    throw new BadRequestError(`the body has ${LARGEST_BODY} characters at most`);
  return body;
}
