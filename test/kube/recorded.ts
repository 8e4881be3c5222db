// Answers of real servers, one a file below `recorded/`: the request, the answer's head, its body. `record.ts` writes
// them; parsers and emulators are held to them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Answer } from './ask.ts';

export interface Recorded extends Answer {
  /** Path and query of the request, as it was sent. */
  path: string;
}

/** Takes one answer; `name` such as `etcd/ok/health`. */
export type Take = (name: string, answer: Recorded) => void;

/** What no parser needs, and every answer has otherwise. */
const LEFT_OUT = ['date', 'connection', 'transfer-encoding', 'content-length', 'audit-id'];
const UNIQUE = /^x-kubernetes-pf-/;

const FOLDER = join(import.meta.dirname, 'recorded');
const fileOf = (name: string) => join(FOLDER, `${name}.http`);

/** @param name such as `etcd/no-space/health` */
export function readRecorded(name: string): Recorded {
  const text = readFileSync(fileOf(name), 'utf8');
  const [request = '', head = '', ...body] = text.split('\n\n');
  const [statusLine = '', ...lines] = head.split('\n');
  const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d+) (.*)$/.exec(statusLine) ?? [];
  const headers = lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
  return {
    path: request.split(' ')[1] ?? '',
    status: Number(status),
    reason,
    headers: Object.fromEntries(headers),
    body: body.join('\n\n'),
  };
}

export function writeRecorded(name: string, { path, status, reason, headers, body }: Recorded): void {
  const head = Object.entries(keptHeaders(headers)).map(([header, value]) => `${header}: ${value}`);
  const parts = [`GET ${path} HTTP/1.1`, [`HTTP/1.1 ${status} ${reason}`, ...head].join('\n'), body];
  mkdirSync(dirname(fileOf(name)), { recursive: true });
  writeFileSync(fileOf(name), parts.join('\n\n'));
}

/** Names of all records of a server, such as `etcd`, sorted. */
export function recordedNames(server: string): string[] {
  return readdirSync(join(FOLDER, server), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.http'))
    .map((file) => `${server}/${file.replace(/\.http$/, '')}`)
    .sort();
}

const keptHeaders = (headers: Recorded['headers']) =>
  Object.fromEntries(
    Object.entries(headers).filter(([header]) => !LEFT_OUT.includes(header) && !UNIQUE.test(header)),
  );

/** What two answers of the same state have in common: no times, no counts, no order of checks. */
export function comparable({ path, status, headers, body }: Recorded): object {
  const [pathname] = path.split('?');
  return { path, status, headers: keptHeaders(headers), body: comparableBody(pathname, body) };
}

function comparableBody(path: string | undefined, body: string): unknown {
  if (path === '/metrics' && body.startsWith('#'))
    return [...body.matchAll(/^# TYPE (\S+ \S+)$/gm)].map(([, family]) => family).sort();
  if (path === '/version' && body.includes('goVersion')) {
    const { buildDate, compiler, goVersion, platform, ...version } = JSON.parse(body);
    return { ...version, build: [buildDate, compiler, goVersion, platform].map((value) => typeof value) };
  }
  // etcd lists its checks in any order.
  return body.startsWith('[') ? body.split('\n').sort() : body;
}
