import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHANNELS } from '../../adapters/channels/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { OPTIONS } from '../config-cases.ts';
import { decode, difference } from '../png.ts';
import { channelPage } from './page.ts';

const DOCS = 'docs';
let page: Awaited<ReturnType<typeof channelPage>>;

beforeAll(async () => {
  page = await channelPage();
  if (process.env.UPDATE_DOCS !== '1') return;
  for (const [path, png] of page.pictures) {
    mkdirSync(dirname(join(DOCS, path)), { recursive: true });
    writeFileSync(join(DOCS, path), png);
  }
});

describe('docs/channels.md', () => {
  it('lists exactly the channels of the registry', async () => {
    await expect(page.markdown).toMatchFileSnapshot('../../docs/channels.md');
  });

  it("shows the messages of today's code, and no others", () => {
    const published = readdirSync(join(DOCS, 'images/channels')).map((name) => `images/channels/${name}`);
    expect(published.sort()).toEqual([...page.pictures.keys()].sort());
    for (const [path, png] of page.pictures) {
      const published = decode(readFileSync(join(DOCS, path)));
      // Another processor may round the last bit of a colour differently.
      expect([path, difference(published, decode(png)) < 0.05]).toEqual([path, true]);
    }
  });

  it.each(CHANNELS.map(({ type, example }) => [type, example] as const))(
    'has an example of %s that `check` accepts',
    (type, example) => {
      const yaml = JSON.stringify({
        bastions: [{ name: 'b', host: 'b', user: 'u', privateKey: '${file:k}' }],
        clusters: [{ name: 'c', bastion: 'b', nodes: [{ name: 'n', role: 'etcd', host: 'h' }] }],
        channels: [{ name: 'ops', type, ...example }],
        server: { publicUrl: 'https://bartizan.example.net' },
      });
      const result = parseConfig(yaml, {
        ...OPTIONS,
        kinds: { ...OPTIONS.kinds, channels: CHANNELS },
      });
      expect(result).toMatchObject({ ok: true, warnings: [] });
    },
  );
});
