// The health paths of the emulated API server, and its refusals, made of the recorded answers.
import { type Recorded, readRecorded } from './recorded.ts';

export type Reply = Pick<Recorded, 'status' | 'headers' | 'body'>;

const HEALTH_PATH = /^\/(readyz|livez|healthz)$/;
const CHECK_LINE = /^\[([+-])\](\S+) /gm;

export function isHealthPath(path: string): boolean {
  return HEALTH_PATH.test(path);
}

/** `/readyz`, `/livez` or `/healthz`, with `verbose` and `exclude`. */
export function healthAnswer({ pathname, searchParams }: URL, isEtcdHealthy: boolean): Reply {
  const kind = HEALTH_PATH.exec(pathname)?.[1] ?? '';
  const recorded = readRecorded(`apiserver/${isEtcdHealthy ? 'ok' : 'etcd-dead'}/${kind}-verbose`);
  const checks = [...recorded.body.matchAll(CHECK_LINE)].map(([, sign, name = '']) => ({ name, sign }));
  const excluded = new Set(searchParams.getAll('exclude'));
  const failed = checks.some(({ name, sign }) => sign === '-' && !excluded.has(name));
  if (!failed && !searchParams.has('verbose')) return readRecorded(`apiserver/ok/${kind}`);

  const lines = checks.map(({ name, sign }) => {
    if (excluded.has(name)) return `[+]${name} excluded: ok`;
    return sign === '-' ? `[-]${name} failed: reason withheld` : `[+]${name} ok`;
  });
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name)).sort();
  if (unknown.length > 0) {
    const names = unknown.map((name) => `"${name}"`).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  const body = [...lines, `${kind} check ${failed ? 'failed' : 'passed'}`, ''].join('\n');
  return { ...readRecorded(`apiserver/${failed ? 'etcd-dead' : 'ok'}/${kind}-verbose`), body };
}

/** What is refused with 403. Of paths below /api and /apis, whose text names a resource, only the recorded one. */
export function forbiddenPath(path: string): Reply {
  const nodes = readRecorded('apiserver/ok/nodes');
  if (path === nodes.path) return nodes;
  if (/^\/apis?(\/|$)/.test(path))
    return { status: 501, headers: {}, body: `the emulator has no recorded answer for ${path}\n` };
  const metrics = readRecorded('apiserver/ok/metrics');
  return { ...metrics, body: metrics.body.replace('/metrics', path) };
}
