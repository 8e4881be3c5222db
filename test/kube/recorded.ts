// Answers of real servers, one a file below `recorded/`: the request, the answer's head, its body. `record.ts` writes
// them; parsers and emulators are held to them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Answer } from './ask.ts';

export interface Recorded extends Answer {
  /** Path and query of the request, as it was sent. */
  path: string;
}

/** What no parser needs, and every answer has otherwise. */
const LEFT_OUT = ['date', 'connection', 'transfer-encoding', 'content-length', 'audit-id'];
const UNIQUE = /^x-kubernetes-pf-/;

const fileOf = (name: string) => join(import.meta.dirname, 'recorded', `${name}.http`);

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
  const head = Object.entries(headers)
    .filter(([header]) => !LEFT_OUT.includes(header) && !UNIQUE.test(header))
    .map(([header, value]) => `${header}: ${value}`);
  const parts = [`GET ${path} HTTP/1.1`, [`HTTP/1.1 ${status} ${reason}`, ...head].join('\n'), body];
  mkdirSync(dirname(fileOf(name)), { recursive: true });
  writeFileSync(fileOf(name), parts.join('\n\n'));
}
