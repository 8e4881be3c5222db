import type { ServerResponse } from 'node:http';
import { type MessageLine, type Span, TEXT_SIZE } from '../../../test/channel-page/message.ts';
import type { ChannelFixture, ReceivedRequest } from '../../../test/contract/channel-service.ts';
import { CAPTION_LIMIT, TEXT_LIMIT } from './text.ts';

const TOKEN = '123456:AAF-telegram-token';

export const fixture: ChannelFixture = {
  services: [
    {
      options: (apiUrl) => ({ token: '${env:TOKEN}', chatId: -1001, apiUrl }),
      env: () => ({ TOKEN }),
      accept: fakeTelegram,
      verifies: [`/bot${TOKEN}/getMe`, `/bot${TOKEN}/getChat?chat_id=-1001`],
      answers: 'read',
      operatorStatuses: [404],
      temptations: telegramTemptations,
      layout: {
        refuse: (_, response) =>
          response
            .writeHead(400)
            .end(
              '{"ok":false,"error_code":400,"description":"Bad Request: can\'t parse entities: at byte 7"}',
            ),
        isPlain: ({ body }) => !body.includes('parse_mode'),
      },
    },
  ],
  acceptedBody: '{"ok":true,"result":{"message_id":1}}',
  follows: true,
  readPreview: readTelegramPreview,
  style: { background: '#0e1621', bubble: '#182533', text: '#f5f5f5', dim: '#7d8e9e', link: '#6ab3f3' },
};

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
export function parseHtml(html: string): string {
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

/** The photo, and its caption under it. */
function readTelegramPreview(preview: string): MessageLine[] {
  const [first = '', ...rest] = preview.split('\n');
  const html = first.startsWith('photo (') ? rest : [first, ...rest];
  const lines = html.map((line): MessageLine => ({ kind: 'text', size: TEXT_SIZE, spans: htmlSpans(line) }));
  return first.startsWith('photo (') ? [{ kind: 'chart' }, ...lines] : lines;
}

/** The tags that we write, as https://core.telegram.org/bots/api#html-style reads them. */
function htmlSpans(line: string): Span[] {
  const spans: Span[] = [];
  const open = new Set<string>();
  for (const token of line.match(/<[^>]+>|[^<]+/g) ?? []) {
    const tag = /^<(\/?)(b|i|a)\b[^>]*>$/.exec(token);
    if (tag?.[2] !== undefined) {
      if (tag[1]) open.delete(tag[2]);
      else open.add(tag[2]);
    } else if (token.startsWith('<')) throw new Error(`no tag that Telegram knows: ${token}`);
    else {
      const seen = token.replaceAll('\u2060', '');
      const text = seen.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"');
      const style = { bold: open.has('b'), link: open.has('a') };
      spans.push({ text: text.replaceAll('&amp;', '&'), ...style });
    }
  }
  if (open.size > 0) throw new Error(`a tag is not closed: ${line}`);
  return spans;
}
