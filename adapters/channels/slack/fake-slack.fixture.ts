import type { ServerResponse } from 'node:http';
import {
  HEADER_SIZE,
  type MessageLine,
  SMALL_SIZE,
  type Span,
  TEXT_SIZE,
} from '../../../test/channel-page/message.ts';
import type { ReceivedRequest } from '../../../test/contract/channel-service.ts';
import { BLOCKS_LIMIT, HEADER_LIMIT, SECTION_LIMIT } from './blocks.ts';

export interface FakeSlack {
  /** Messages that were accepted. */
  posted: { channel: string; text: string; thread_ts?: string; blocks: Record<string, unknown>[] }[];
  /** Calls in order, by method. */
  calls: string[];
  /** How many times `files.info` says nothing of a type before the file is ready. */
  pollsUntilReady: number;
  /** Scopes of the token, as the header names them. */
  scopes: string;
  handle(request: ReceivedRequest, response: ServerResponse): unknown;
}

/**
 * As strict as Slack's documents: token, order of an upload, its length, a file shown too early ("invalid slack file"),
 * sizes of blocks.
 */
export function createFakeSlack(options: { token: string; channel: string; host: () => string }): FakeSlack {
  const files = new Map<string, { length: number; uploaded: boolean; completed: boolean; polls: number }>();
  const fake: FakeSlack = {
    posted: [],
    calls: [],
    pollsUntilReady: 1,
    scopes: 'chat:write,files:write,files:read',
    handle,
  };

  function handle(request: ReceivedRequest, response: ServerResponse): unknown {
    const answer = (body: unknown) => response.writeHead(200).end(JSON.stringify(body));
    const refuse = (error: string) => answer({ ok: false, error });
    const [, first = '', method = ''] = request.path.split('/');
    if (first === 'upload') {
      const file = files.get(method);
      if (!file || file.length !== request.body.length) return response.writeHead(400).end('length');
      file.uploaded = true;
      return response.writeHead(200).end(`OK - ${file.length}`);
    }
    fake.calls.push(first);
    if (request.headers.authorization !== `Bearer ${options.token}`) return refuse('invalid_auth');
    const form = new URLSearchParams(request.body.toString('utf8'));
    switch (first) {
      case 'files.getUploadURLExternal': {
        if (!form.get('filename') || !form.get('length')) return refuse('invalid_arguments');
        const id = `F${files.size + 1}`;
        files.set(id, { length: Number(form.get('length')), uploaded: false, completed: false, polls: 0 });
        return answer({ ok: true, file_id: id, upload_url: `${options.host()}/upload/${id}` });
      }
      case 'files.completeUploadExternal': {
        const [{ id }] = JSON.parse(form.get('files') ?? '[{}]');
        const file = files.get(id);
        if (!file?.uploaded) return refuse('file_not_found');
        file.completed = true;
        return answer({ ok: true, files: [{ id }] });
      }
      case 'files.info': {
        const file = files.get(form.get('file') ?? '');
        if (!file?.completed) return refuse('file_not_found');
        file.polls++;
        return answer({
          ok: true,
          file: file.polls > fake.pollsUntilReady ? { mimetype: 'image/png' } : { mimetype: '' },
        });
      }
      case 'auth.test':
        response.setHeader('x-oauth-scopes', fake.scopes);
        return answer({ ok: true, team: 'Example', user: 'bartizan', team_id: 'T0', user_id: 'U0' });
      case 'chat.postMessage': {
        const blocks = JSON.parse(form.get('blocks') ?? '[]') as Record<string, unknown>[];
        if (form.get('channel') !== options.channel) return refuse('channel_not_found');
        const wrong = wrongBlock(blocks);
        if (wrong) return refuse(wrong);
        const thread = form.get('thread_ts');
        const tsOf = (n: number) => `1700000000.00000${n}`;
        if (thread !== null && !fake.posted.some((_, i) => tsOf(i + 1) === thread))
          return refuse('thread_not_found');
        const message = { channel: options.channel, text: form.get('text') ?? '', blocks };
        fake.posted.push(thread === null ? message : { ...message, thread_ts: thread });
        return answer({ ok: true, ts: tsOf(fake.posted.length) });
      }
      default:
        return refuse('unknown_method');
    }
  }

  function wrongBlock(blocks: readonly Record<string, unknown>[]): string | undefined {
    if (blocks.length > BLOCKS_LIMIT) return 'invalid_blocks';
    for (const block of blocks) {
      const text = (block.text as { text?: string } | undefined)?.text ?? '';
      if (block.type === 'header' && (text.length === 0 || text.length > HEADER_LIMIT))
        return 'invalid_blocks';
      if (block.type === 'section' && (text.length === 0 || text.length > SECTION_LIMIT))
        return 'invalid_blocks';
      if (block.type === 'image') {
        const file = files.get((block.slack_file as { id?: string } | undefined)?.id ?? '');
        if (!block.image_url && (!file || file.polls <= fake.pollsUntilReady)) return 'invalid slack file';
        if (!block.alt_text) return 'invalid_blocks';
      }
    }
    return undefined;
  }
  return fake;
}

/** What a message to Slack says, whether it was sent as JSON or as a form. */
export interface Message {
  text: string;
  blocks?: { type: string; text?: { type: string }; elements?: { type: string }[] }[];
  mrkdwn?: boolean;
  parse?: string;
  link_names?: boolean;
}

/** What Slack makes of it: plain text in blocks is as it is; `text` alone is read for links unless told otherwise. */
export function slackTemptations({ text, blocks, ...settings }: Message): string[] {
  const markup = (blocks ?? []).flatMap((block) => [block.text ?? [], block.elements ?? []].flat());
  const found = markup.filter(({ type }) => type === 'mrkdwn').map((part) => JSON.stringify(part));
  const silent = settings.mrkdwn === false && settings.parse === 'none' && settings.link_names === false;
  const read = blocks || silent ? [] : [...text.matchAll(/@\w+|\w+\.\w{2,}/g)].map(([link]) => link);
  return [...found, ...read, ...[...text.matchAll(/<[^>]*>/g)].map(([link]) => link)];
}

export function messageOf({ headers, body }: ReceivedRequest): Message {
  if (String(headers['content-type']).startsWith('application/json'))
    return JSON.parse(body.toString('utf8'));
  const form = Object.fromEntries(new URLSearchParams(body.toString('utf8')));
  const value = (name: string) => (form[name] === undefined ? {} : { [name]: JSON.parse(form[name]) });
  const { text = '', parse = '' } = form;
  return { text, parse, ...value('blocks'), ...value('mrkdwn'), ...value('link_names') };
}

interface SlackBlock {
  type: string;
  text?: { type: string; text: string };
  elements?: { type: string; text: string }[];
}

/** The blocks of a preview as Slack shows them. */
export function readSlackPreview(preview: string): MessageLine[] {
  const { blocks } = JSON.parse(preview) as { blocks: SlackBlock[] };
  return blocks.flatMap((block): MessageLine[] => {
    switch (block.type) {
      case 'header':
        return [{ kind: 'text', size: HEADER_SIZE, spans: [{ text: block.text?.text ?? '', bold: true }] }];
      case 'section':
        return (block.text?.text ?? '')
          .split('\n')
          .map((text) => ({ kind: 'text', size: TEXT_SIZE, spans: [{ text }] }));
      case 'context':
        return [
          { kind: 'text', size: SMALL_SIZE, dim: true, spans: (block.elements ?? []).flatMap(elementSpans) },
        ];
      case 'image':
        return [{ kind: 'chart' }];
      default:
        throw new Error(`no reader for a Slack block of type ${block.type}`);
    }
  });
}

/** `<address|text>` is a link in mrkdwn. */
function elementSpans({ type, text }: { type: string; text: string }): Span[] {
  if (type === 'plain_text') return [{ text }];
  return (text.match(/<[^>]+>|[^<]+/g) ?? []).map((token) => {
    const link = /^<[^|>]+\|([^>]+)>$/.exec(token);
    return link?.[1] === undefined ? { text: token } : { text: link[1], link: true };
  });
}
