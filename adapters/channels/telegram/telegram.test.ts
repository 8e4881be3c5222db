import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { describeChannel, type ReceivedRequest } from '../../../test/contract/channel.ts';
import { sampleAlert, sampleNotification } from '../../../test/contract/notifications.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { telegram } from './telegram.ts';
import { CAPTION_LIMIT, render, TEXT_LIMIT } from './text.ts';

const TOKEN = '123456:AAF-telegram-token';
const secrets = createSecrets({ baseDir: '/etc/bartizan', env: { TOKEN } });

async function formOf(request: ReceivedRequest): Promise<FormData> {
  const headers = { 'content-type': String(request.headers['content-type']) };
  return new Response(new Uint8Array(request.body), { headers }).formData();
}

/** What Telegram makes entities of by itself, after https://github.com/tdlib/td/blob/master/td/telegram/MessageEntity.cpp. */
async function telegramTemptations(request: ReceivedRequest): Promise<string[]> {
  const form = await formOf(request);
  const source = String(form.get('text') ?? form.get('caption'));
  const text = form.get('parse_mode') === 'HTML' ? parseHtml(source) : source;
  const patterns = [
    /(?<![\p{L}\p{N}_])@\w{2,}/gu,
    /(?<![\p{L}\p{N}_])#[\p{L}\p{N}_]+/gu,
    /(?<![\p{L}\p{N}_])\$[A-Z]{1,8}/gu,
    /(?<![\p{L}\p{N}_/<>])\/\w{1,64}/gu,
    /\w+:\/\/[\p{L}\p{N}]+/gu,
    /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/gu,
    /\d+\.\d+\.\d+\.\d+/g,
  ];
  const links = form.get('parse_mode') === 'HTML' ? source.match(/<a [^>]*>/g) : [];
  return [...(links ?? []), ...patterns.flatMap((pattern) => text.match(pattern) ?? [])];
}

/** What Telegram leaves of HTML: tags go, entities become letters. Unknown tags are refused, as by the Bot API. */
function parseHtml(html: string): string {
  const text = html.replace(/<(\/?)(b|i|a)( href="[^"<>]*")?>/g, '');
  if (/[<>]/.test(text) || /&(?!(amp|lt|gt|quot);)/.test(text)) throw new Error("can't parse entities");
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

/** As strict as https://core.telegram.org/bots/api: method, fields, lengths after parsing. */
async function fakeTelegram(request: ReceivedRequest, response: ServerResponse): Promise<void> {
  const answer = (status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const bad = (description: string) =>
    answer(400, { ok: false, error_code: 400, description: `Bad Request: ${description}` });
  const [, bot, method] = request.path.split('/');
  if (bot !== `bot${TOKEN}`)
    return void answer(401, { ok: false, error_code: 401, description: 'Unauthorized' });
  if (method === 'getMe') return void answer(200, { ok: true, result: { username: 'bartizan_bot' } });
  if (method?.startsWith('getChat?')) {
    const chat = new URLSearchParams(method.slice('getChat?'.length)).get('chat_id');
    if (chat !== '-1001') return void bad('chat not found');
    return void answer(200, { ok: true, result: { id: -1001, title: 'Ops' } });
  }
  const type = String(request.headers['content-type']);
  const form = await new Response(new Uint8Array(request.body), {
    headers: { 'content-type': type },
  }).formData();
  if (form.get('chat_id') !== '-1001') return void bad('chat not found');
  try {
    const field = method === 'sendPhoto' ? 'caption' : 'text';
    const limit = method === 'sendPhoto' ? CAPTION_LIMIT : TEXT_LIMIT;
    const written = String(form.get(field) ?? '');
    const text = form.get('parse_mode') === 'HTML' ? parseHtml(written) : written;
    if (text.length > limit) return void bad(`message ${field} is too long`);
    if (method === 'sendPhoto' && !(form.get('photo') instanceof Blob))
      return void bad('there is no photo in the request');
    if (method !== 'sendPhoto' && method !== 'sendMessage')
      return void answer(404, { ok: false, error_code: 404, description: 'Not Found' });
  } catch (error) {
    return void bad(String(error));
  }
  answer(200, { ok: true, result: { message_id: 42 } });
}

describeChannel('telegram', {
  create: (apiUrl, options) =>
    telegram.create(telegram.options.parse({ token: '${env:TOKEN}', chatId: -1001, apiUrl, ...options }), {
      secrets,
      clock: { nowMs: Date.now },
    }),
  accept: (request, response) => void fakeTelegram(request, response),
  verifies: [`/bot${TOKEN}/getMe`, `/bot${TOKEN}/getChat?chat_id=-1001`],
  secrets: () => [TOKEN],
  answers: 'read',
  operatorStatuses: [404],
  temptations: telegramTemptations,
  layout: {
    refuse: (_, response) =>
      response
        .writeHead(400)
        .end('{"ok":false,"error_code":400,"description":"Bad Request: can\'t parse entities: at byte 7"}'),
    isPlain: ({ body }) => !body.includes('parse_mode'),
  },
});

describe('the text', () => {
  it('says all of a notification, every name literal', () => {
    const { html, length } = render(sampleNotification(), CAPTION_LIMIT);
    expect(html).toBe(
      [
        '🔴 <b>FIRING critical · Memory usage: 한빛-&lt;prod&gt;&amp;"db" / 노드-1 *_[`</b>',
        '2026-11-24 18:10:02 Asia/Seoul · first message',
        '✖ 노드-1 *_[` has used 94.1% of its memory for 10m',
        '<i>한빛-&lt;prod&gt;&amp;"db" / 노드-1 *_[` · since 18:00:00, fired 18:10:00</i>',
        '<a href="https://runbooks.example.net/memory">Runbook</a>',
      ].join('\n'),
    );
    expect(parseHtml(html)).toHaveLength(length);
  });

  it.each([
    [1, CAPTION_LIMIT],
    [9, CAPTION_LIMIT],
    [30, CAPTION_LIMIT],
    [500, CAPTION_LIMIT],
    [500, TEXT_LIMIT],
    [20_000, TEXT_LIMIT],
  ])('of %i alerts fits into %i characters after parsing', (count, limit) => {
    const alerts = Array.from({ length: count }, (_, i) =>
      sampleAlert({ alertId: `a${i}`, detail: 'unreachable: <timeout> & more' }),
    );
    const { html, length } = render(sampleNotification({ alerts }), limit);
    expect(parseHtml(html)).toHaveLength(length);
    expect(length).toBeLessThanOrEqual(limit);
    if (count >= 500) expect(html).toMatch(/\nand \d+ more\n<a [^>]*>Runbook<\/a>$/);
  });

  it.each([
    [10, CAPTION_LIMIT, 10],
    [40, CAPTION_LIMIT, 28],
    [400, TEXT_LIMIT, 180],
  ])(
    'keeps value and times of the news, beside %i alerts that stand, in %i characters',
    (count, limit, least) => {
      const labels = (n: number) => ({ cluster: `prod-${n % 4}`, node: `node-${n}` });
      const old = Array.from({ length: count }, (_, i) =>
        sampleAlert({ alertId: `a${i}`, labels: labels(i), news: false }),
      );
      const over = sampleAlert({
        labels: labels(999),
        status: 'resolved',
        resolvedAtMs: Date.UTC(2026, 10, 24, 9, 20),
        summary: 'Memory usage: ended at 61%, was > 90% for 20m',
      });
      const text = parseHtml(render(sampleNotification({ alerts: [over, ...old] }), limit).html);
      const lines = text.replaceAll('\u2060', '').split('\n');
      expect(lines.slice(2, 4)).toEqual([
        '✔ Memory usage: ended at 61%, was > 90% for 20m',
        'prod-3 / node-999 · since 18:00:00, fired 18:10:00, resolved 18:20:00 after 20m',
      ]);
      const standing = lines.filter((line) => line.startsWith('✖'));
      expect(standing.length).toBeGreaterThanOrEqual(Math.min(least, count));
      if (standing.length < count) expect(lines).toContain(`and ${count - standing.length} more`);
    },
  );

  it('of more news than fit in full keeps values and places', () => {
    const alerts = Array.from({ length: 12 }, (_, i) => sampleAlert({ alertId: `a${i}` }));
    const brief = parseHtml(render(sampleNotification({ alerts }), CAPTION_LIMIT).html);
    const unnamed = alerts.map((alert, i) => ({
      ...alert,
      labels: { cluster: 'prod', node: `node-${i}` },
      summary: 'CPU: no data since 18:12',
      detail: 'timeout: no answer within the five seconds of a probe',
    }));
    const told = parseHtml(render(sampleNotification({ alerts: unnamed }), CAPTION_LIMIT).html);
    expect(told.replaceAll('\u2060', '')).toContain('✖ prod / node-7: CPU: no data since 18:12');
    expect(brief.match(/has used 94\.\S*1%/g)).toHaveLength(12);
  });

  it('cuts a name that alone is too long before it becomes markup', () => {
    const labels = { cluster: '<'.repeat(3_000) };
    const { html, length } = render(sampleNotification({ alerts: [sampleAlert({ labels })] }), CAPTION_LIMIT);
    expect(length).toBeLessThan(CAPTION_LIMIT);
    expect(parseHtml(html)).toHaveLength(length);
    expect(html).toContain('\n2026-11-24 18:10:02 Asia/Seoul · first message\n');
  });
});
