// Answers that were recorded of a real server, as an HTTP listener for tests. What was not recorded fails the test's request.
import type { RequestListener } from 'node:http';
import { readRecorded } from './recorded.ts';

export interface Replay {
  listener: RequestListener;
  /** Method and path of each request so far, with the authorization where there was one. */
  asked: string[];
  /** Another scene from now on: folder of the recorded answers, or status of every answer. */
  play(scene: string | number): void;
}

/** @param files for each path the name of the recorded answer */
export function replay(files: Readonly<Record<string, string>>, firstScene: string | number): Replay {
  let scene = firstScene;
  const asked: string[] = [];
  return {
    asked,
    play(next) {
      scene = next;
    },
    listener(request, response) {
      const { authorization } = request.headers;
      asked.push(`${request.method} ${request.url}${authorization ? ` ${authorization}` : ''}`);
      if (typeof scene === 'number') return void response.writeHead(scene).end();
      const name = files[request.url ?? ''];
      if (name === undefined) return void response.writeHead(501).end(`not recorded: ${request.url}`);
      const { status, reason, headers, body } = readRecorded(`${scene}/${name}`);
      response.writeHead(status, reason, headers as Record<string, string>).end(body);
    },
  };
}

/** Paths of the health of an API server, as recorded with and without permission. */
export const APISERVER_FILES = {
  '/readyz?verbose': 'readyz-verbose',
  '/livez': 'livez',
  '/livez?exclude=etcd': 'livez-without-etcd',
  '/version': 'version',
} as const;
export const HIDDEN_FILES = {
  '/readyz?verbose': 'readyz',
  '/livez': 'livez-verbose',
  '/version': 'version',
} as const;
