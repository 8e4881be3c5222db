// What the commit before understood of a configuration (make.ts), and what today's code does.
import { expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { everyField, readData } from './data.ts';
import { START } from './story.ts';

const before = JSON.parse(readData('configurations.json').toString('utf8')) as unknown[];

it.each(everyField().map((text, index) => ({ text, index })))(
  'understands every field alike, in the same order: store $index',
  ({ text, index }) => {
    const parsed = parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START });
    expect(parsed.ok && parsed.config).toEqual(before[index]);
    // Hashes of rules, of what is deployed, and of what is sent follow the order of fields.
    expect(JSON.stringify(parsed.ok && parsed.config, undefined, 1)).toBe(
      JSON.stringify(before[index], undefined, 1),
    );
  },
);
