import { describe, expect, it } from 'vitest';
import { createSecrets } from '../secrets/secrets.ts';
import { createChannels } from './registry.ts';

const env = {
  TOKEN: 'xoxb-token-1',
  OTHER: 'xoxb-token-2',
  HOOK: 'https://chat.example.net/hooks/abc',
  SLACK: 'https://hooks.slack.com/services/T/B/x',
};
const keyOf = async (type: string, options: Record<string, unknown>) => {
  const secrets = createSecrets({ baseDir: '/', env });
  const config = { name: 'ops', type, theme: 'dark' as const, options };
  const channels = await createChannels([config], { secrets, clock: { nowMs: Date.now } });
  return await channels.get('ops')?.destination?.();
};
const slack = { token: '${env:TOKEN}', channel: 'C1' };
const telegram = { token: '${env:TOKEN}', chatId: -100 };
const webhook = { url: 'https://ops.example.net/in' };

describe('channels share a destination where their service counts them together', () => {
  it.each<[string, [string, Record<string, unknown>], [string, Record<string, unknown>], boolean]>([
    ['one channel of Slack', ['slack', slack], ['slack', { ...slack, timeout: '3s' }], true],
    ['two channels of Slack', ['slack', slack], ['slack', { ...slack, channel: 'C2' }], false],
    ['two bots of Slack', ['slack', slack], ['slack', { ...slack, token: '${env:OTHER}' }], false],
    [
      'one webhook of Slack',
      ['slack-webhook', { url: '${env:SLACK}' }],
      ['slack-webhook', { url: '${env:SLACK}', picture: 'url' }],
      true,
    ],
    [
      'one chat of Telegram',
      ['telegram', telegram],
      ['telegram', { ...telegram, silent: true, threadId: 3 }],
      true,
    ],
    ['two chats of Telegram', ['telegram', telegram], ['telegram', { ...telegram, chatId: 5 }], false],
    [
      'a bot and a webhook of one Mattermost',
      ['mattermost', { url: 'https://chat.example.net/', token: '${env:TOKEN}', channelId: 'a' }],
      ['mattermost-webhook', { url: '${env:HOOK}' }],
      true,
    ],
    ['one receiver', ['webhook', webhook], ['webhook', { ...webhook, headers: { a: 'b' } }], true],
    ['two receivers', ['webhook', webhook], ['webhook', { url: 'https://ops.example.net/other' }], false],
  ])('%s', async (_, one, other, same) => {
    const [a, b] = [await keyOf(...one), await keyOf(...other)];
    expect(a?.key === b?.key).toBe(same);
  });
});

it.each<[string, Record<string, unknown>, number]>([
  ['slack', slack, 1_000],
  ['slack-webhook', { url: '${env:SLACK}' }, 1_000],
  ['telegram', telegram, 3_000],
  ['telegram', { ...telegram, chatId: '@name' }, 3_000],
  ['telegram', { ...telegram, chatId: 12 }, 1_000],
  ['mattermost-webhook', { url: '${env:HOOK}' }, 100],
  ['webhook', webhook, 0],
  ['webhook', { ...webhook, pace: { messages: 10, per: '1s' } }, 100],
  ['webhook', { ...webhook, pace: { messages: 7, per: '1m' } }, 8_572],
])('%s with %j is sent a message in so long', async (type, options, everyMs) => {
  expect(await keyOf(type, options)).toMatchObject({ everyMs });
});
