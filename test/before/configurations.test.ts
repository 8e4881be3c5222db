// Compares how an earlier commit read a configuration (make.ts) with today's code.
import { expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import type { Config } from '../../core/model/config.ts';
import { everyField, readData } from './data.ts';
import { START } from './story.ts';

const before = JSON.parse(readData('configurations.json').toString('utf8')) as Config[];

/** Today's text of a default rule, and the one before: a text decides nothing. */
const REWORDED = new Map([
  [
    'nothing gets through bastion {{bastion}}; nodes that no other bastion reaches are unknown',
    'nothing gets through bastion {{bastion}}; the nodes behind it are unknown',
  ],
]);

/**
 * Later default rules come on top, as the file adds to the defaults, and may supersede earlier ones. Later sections, and
 * `server.history`, have their defaults.
 */
function withoutLaterDefaults(config: Config, earlier: Config): Config {
  const known = new Map(earlier.rules.map((rule) => [rule.name, rule]));
  const rules = config.rules.flatMap(({ supersededBy, ...rule }) => {
    const before = known.get(rule.name);
    if (!before) return [];
    const summary = REWORDED.get(rule.summary ?? '');
    return [
      { ...rule, ...(summary && { summary }), ...(supersededBy && before.supersededBy && { supersededBy }) },
    ];
  });
  const { history: _later, ...server } = config.server;
  const sections = Object.entries({ ...config, rules, server }).filter(([name]) => name in earlier);
  return Object.fromEntries(sections) as unknown as Config;
}

it.each(everyField().map((text, index) => ({ text, index })))(
  'every field of a configuration has the same value, in the same order: store $index',
  ({ text, index }) => {
    const parsed = parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: START });
    const earlier = before[index] as Config;
    const config = parsed.ok ? withoutLaterDefaults(parsed.config, earlier) : undefined;
    expect(config).toEqual(earlier);
    // The order of fields matters, because rules, deployments and messages are hashed.
    expect(JSON.stringify(config, undefined, 1)).toBe(JSON.stringify(earlier, undefined, 1));
  },
);
