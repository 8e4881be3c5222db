import type { ServerResponse } from 'node:http';
import { type MessageLine, markdownLines } from '../../../test/channel-page/message.ts';
import type { ReceivedRequest } from '../../../test/contract/channel-service.ts';
import { POST_LIMIT } from './text.ts';

/** As strict as the API: token, channel, an id of a file that was uploaded and not used, the size of a post. */
export function createFakeMattermost(token: string) {
  const files = new Set<string>();
  let uploads = 0;
  const posts: { message: string; file_ids: string[] }[] = [];
  async function handle(request: ReceivedRequest, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: unknown) =>
      void response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${token}`)
      return answer(401, { id: 'api.context.session_expired.app_error' });
    if (request.method === 'GET') {
      if (request.path === '/api/v4/users/me') return answer(200, { id: 'u1', username: 'bartizan' });
      if (request.path === '/api/v4/channels/ch1') return answer(200, { id: 'ch1', display_name: 'Ops' });
      return answer(404, { id: 'app.channel.get.existing.app_error' });
    }
    if (request.path === '/api/v4/files') {
      const headers = { 'content-type': String(request.headers['content-type']) };
      const form = await new Response(new Uint8Array(request.body), { headers }).formData();
      if (form.get('channel_id') !== 'ch1' || !(form.get('files') instanceof Blob)) return answer(400, {});
      const id = `file${++uploads}`;
      files.add(id);
      return answer(201, { file_infos: [{ id }] });
    }
    const post = JSON.parse(request.body.toString('utf8')) as {
      channel_id: string;
      message: string;
      file_ids: string[];
    };
    if (post.channel_id !== 'ch1') return answer(404, {});
    if (post.message.length > POST_LIMIT || post.file_ids.some((id) => !files.delete(id)))
      return answer(400, {});
    posts.push(post);
    answer(201, { id: `post${posts.length}` });
  }
  return { posts, handle };
}

/** What Mattermost makes links and mentions of: some in the source, some in what is left of it without backslashes. */
export function mattermostTemptations(source: string): string[] {
  const withoutBackslashes = source.replace(/\\([!-/:-@[-`{-~])/g, '$1');
  const inSource = /(?:https?|ftp|tg):\/\/|\bwww\.|(?<!\\)\[[^\]]*\]\(|(?<!\\)<\w|(?<!\w)@\w+/g;
  const inText = /(?<!\w)[@~#][\w-]+|\w@\w+\.\w+/g;
  return [...source.matchAll(inSource), ...withoutBackslashes.matchAll(inText)].map(([found]) => found);
}

/** The post, and its file under it. */
export function readMattermostPreview(preview: string): MessageLine[] {
  const [first = '', ...lines] = preview.split('\n');
  const chart: MessageLine[] = first.startsWith('post with a file') ? [{ kind: 'chart' }] : [];
  return [...markdownLines(lines.join('\n')), ...chart];
}
