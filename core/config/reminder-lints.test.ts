import { expect, it } from 'vitest';
import { z } from 'zod';
import { configText, OPTIONS } from '../../test/config-cases.ts';
import { positiveDurationSchema } from './field-schemas.ts';
import { parseConfig } from './parse.ts';

const forgetful = {
  type: 'forgetful',
  title: 'Forgets',
  options: z.strictObject({ endsAfter: positiveDurationSchema.describe('End').prefault('1d') }),
  endsAfterMs: (options: unknown) => (options as { endsAfter: number }).endsAfter,
};
const kinds = { ...OPTIONS.kinds, channels: [...OPTIONS.kinds.channels, forgetful] };

function warnings(channel: string, routes: string): string[] {
  const text = configText({ channels: `channels: [{ name: am, type: forgetful ${channel} }]\n`, routes });
  const result = parseConfig(text, { ...OPTIONS, kinds });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.warnings
    .filter(({ message }) => message.includes('ends there'))
    .map(({ path, message }) => `${path}: ${message}`);
}

const routes = (...repeats: string[]) =>
  `routes: [${repeats.map((repeat, i) => `{ name: r${i}, channels: [am], continue: true, repeatInterval: ${repeat} }`)}]\n`;

it.each<[string, string, string[]]>([
  ['', '', []],
  [', endsAfter: 5h', '', []],
  [
    ', endsAfter: 4h',
    '',
    [
      'channels[0].endsAfter: an alert ends there 4h after the last message about it, and the `repeatInterval` of route `default` is 4h',
    ],
  ],
  ['', routes('23h'), []],
  [
    '',
    routes('1h', 'never'),
    [
      'channels[0]: an alert ends there 1d after the last message about it, and the `repeatInterval` of route `r1` is `never`',
    ],
  ],
  [', endsAfter: 20m', routes('5m'), []],
  [', endsAfter: x', 'routes: [{ name: a }]\n', []],
])('a channel with { %s } behind %j', (channel, written, expected) => {
  if (channel.includes('x')) expect(() => warnings(channel, written)).toThrow('duration');
  else expect(warnings(channel, written)).toEqual(expected);
});
