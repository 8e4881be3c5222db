import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { route, rule } from '../../test/incidents.ts';
import { traceRoutes } from './route-trace.ts';
import { matchRoutes } from './routes.ts';

const channel = (name: string, fallback?: string) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
  ...(fallback !== undefined && { fallback }),
});

describe('the way of an alert through the routes', () => {
  const channels = [channel('ops', 'mail'), channel('mail', 'sms'), channel('sms'), channel('dev')];
  const routes = [
    route('critical', { match: { severity: ['critical'], node: ['n*', 'm?'] } }),
    route('all', { channels: ['dev', 'ops', 'dev'], continue: true }),
    route('disks', { match: { mount: ['*'] } }),
    route('again', { channels: ['ops'], continue: true }),
    route('silent', { channels: [] }),
    route('last', {}),
  ];
  const trace = () => traceRoutes({ routes, channels }, { rule: 'memory', severity: 'warning', node: 'n1' });

  it('says of each route whether it takes it, and why', () => {
    expect(trace().steps.map(({ route: name, outcome, why }) => `${name}: ${outcome}, ${why}`)).toEqual([
      'critical: passed, severity is warning, not critical',
      'all: taken, it takes everything',
      'disks: passed, it wants a label mount, which the alert lacks',
      'again: taken, it takes everything',
      'silent: taken, it takes everything',
      'last: not-reached, `silent` takes it and does not continue',
    ]);
    const hit = traceRoutes({ routes, channels }, { severity: 'critical', node: 'n1' }).steps[0];
    expect(hit?.why).toBe('severity is critical, node is n* or m?');
  });

  it('says who hears of it, each channel once by the first route that names it, and who would instead', () => {
    expect(trace().recipients).toEqual([
      { channel: 'dev', route: 'all', fallbacks: [] },
      { channel: 'ops', route: 'all', fallbacks: ['mail', 'sms'] },
    ]);
    expect(trace().steps[1]?.group).toEqual({ rule: 'memory' });
  });

  it('is the way that alerts go', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const match = fc.dictionary(
      fc.constantFrom('node', 'cluster', 'severity'),
      fc.array(fc.constantFrom('a', 'b', '*', 'warning'), { minLength: 1 }),
    );
    const routesOf = fc.array(fc.record({ match, continue: fc.boolean() }), { maxLength: 5 });
    fc.assert(
      fc.property(routesOf, fc.record({ node: label, cluster: label }), (specs, labels) => {
        const all = specs.map((spec, i) => route(`r${i}`, spec));
        const { steps } = traceRoutes(
          { routes: all, channels },
          { ...labels, rule: 'memory', severity: 'warning' },
        );
        expect(steps.filter(({ outcome }) => outcome === 'taken').map((step) => step.route)).toEqual(
          matchRoutes(all, rule(), labels).map(({ name }) => name),
        );
      }),
    );
  });
});
