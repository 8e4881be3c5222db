// Each request of docs/api.md, as it stands there, is answered.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { NO_RECIPIENT_REASONS, RECIPIENT_REASONS } from '../../core/notify/recipients.ts';
import { setup } from './api.fixture.ts';

const [, page = ''] = readFileSync('docs/api.md', 'utf8').split('\n## Our own API\n');
const [section = ''] = page.split('\n## ');
const lines = section.split('\n').filter((line) => line.startsWith('    curl '));

it('has a dozen requests', () => {
  expect(lines.length).toBeGreaterThan(10);
});

it.each(lines)('%s', async (line) => {
  const [, path] = /"\$BARTIZAN_URL(\/[^"]*)"$/.exec(line) ?? [];
  const [, body] = / -d '([^']*)'/.exec(line) ?? [];
  const { app } = setup();
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: body ?? '' };
  const answer = await app.request(path ?? '', body === undefined ? undefined : post, {});
  expect(answer.status, await answer.text()).toBe(body === undefined ? 200 : 201);
});

it('explains each reason', () => {
  for (const reason of [...RECIPIENT_REASONS, ...NO_RECIPIENT_REASONS])
    expect(section).toContain(`\`${reason}\``);
});

it('describes the answer of the server to an address that is too long', async () => {
  const { paths } = (await (await setup().app.request('/openapi.json', undefined, {})).json()) as {
    paths: Record<string, Record<string, { responses: object }>>;
  };
  for (const routes of Object.values(paths))
    for (const { responses } of Object.values(routes)) expect(Object.keys(responses)).toContain('431');
});
