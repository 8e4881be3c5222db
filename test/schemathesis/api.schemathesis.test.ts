// Requests that schemathesis makes up from the OpenAPI document: no answer is a 5xx, and each is as the document describes it.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installSchemathesis } from './install.ts';
import { serveApi } from './service.ts';

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
  'unsupported_method',
  'allow_header_conformance',
];
/** Generated requests of each route, beside those that cover its parameters: about two thousand in all. */
const EXAMPLES = 10;

it('answers two thousand generated requests as its document says', async () => {
  const python = await installSchemathesis();
  const dir = await mkdtemp(join(tmpdir(), 'bartizan-schemathesis-'));
  const api = await serveApi();
  const options = [
    ...['--seed', '1', '--max-examples', String(EXAMPLES), '--phases', 'examples,coverage,fuzzing'],
    ...['--generation-database', 'none', '--suppress-health-check', 'all', '--no-color'],
    ...['--checks', CHECKS.join(), '--header', `Authorization: Bearer ${api.token}`],
  ];
  const args = ['-m', 'schemathesis.cli', 'run', `${api.url}/openapi.json`, ...options];
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const env = { PATH: process.env.PATH, HOME: dir };
    execFile(python, args, { cwd: dir, env, maxBuffer: 64 * 1024 ** 2 }, (error, stdout, stderr) =>
      resolve({
        code: error ? 1 : 0,
        output: stdout + stderr + (stdout === '' && error ? error.message : ''),
      }),
    );
  });
  await api.stop();
  await rm(dir, { recursive: true });
  expect({ code, end: code === 0 ? '' : output.slice(-6_000) }).toEqual({ code: 0, end: '' });
  expect(Number(/(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(1_000);
});
