// How the earlier commit reads configurations. See make.ts.
import { everyField } from './data.ts';
import { code, saveJson } from './make-ports.ts';
import { START } from './story.ts';

export async function makeConfigurations(): Promise<void> {
  const { parseConfig } = await code('core/config/parse.ts');
  const { KINDS } = await code('adapters/kinds.ts');
  const parsed = everyField().map((text) =>
    parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START }),
  );
  if (parsed.some(({ ok }) => !ok)) throw new Error('a configuration of every-field.yaml has errors');
  saveJson(
    'configurations.json.gz',
    parsed.map(({ config }) => config),
  );
}
