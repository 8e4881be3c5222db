// Compares how an earlier commit read a configuration (make.ts) with today's code.
import { expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { everyField, readData } from './data.ts';
import { START } from './story.ts';

const before = JSON.parse(readData('configurations.json').toString('utf8')) as unknown[];

it.each(everyField().map((text, index) => ({ text, index })))(
  'every field of a configuration has the same value, in the same order: store $index',
  ({ text, index }) => {
    const parsed = parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START });
    expect(parsed.ok && parsed.config).toEqual(before[index]);
    // The order of fields matters, because rules, deployments and messages are hashed.
    expect(JSON.stringify(parsed.ok && parsed.config, undefined, 1)).toBe(
      JSON.stringify(before[index], undefined, 1),
    );
  },
);
