import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import axios, { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { Notification } from '../../core/model/notification.ts';
import type { Channel } from '../../core/ports.ts';
import { type Answer, answerOf, type Mood } from './answers.ts';
import type { ChannelType } from './document.ts';
import type { Random } from './random.ts';
import { overItsRate } from './storm.ts';
import type { Timeline } from './timeline.ts';

/** One request that asked a service to show a message. */
export interface Post {
  atMs: number;
  service: string;
  channel: string;
  notification: Notification;
  answer: Answer;
  /** The result for the sender; absent while the request runs, or when the sender died first. */
  outcome?: { kind: 'accepted' | 'unclear' | 'failed'; atMs: number; detail: string };
}

export interface Services {
  /** All requests, in order. */
  posts: readonly Post[];
  /** Between a channel and its sender; it knows which message a request belongs to. */
  watched(channel: Channel, name: string, alive: () => boolean): Channel;
}

export interface MoodWindow {
  service: string;
  mood: Mood;
  fromMs: number;
  toMs: number;
}

interface Sending {
  services: Network;
  channel: string;
  notification: Notification;
  posts: Post[];
}

interface Network {
  answer(sending: Sending, url: URL): Promise<Answer>;
}

const sending = new AsyncLocalStorage<Sending>();

/**
 * The network of the simulation: the requests of the real channels end here, and the channels read the answers as
 * usual.
 */
axios.defaults.adapter = async (config: InternalAxiosRequestConfig) => {
  const current = sending.getStore();
  if (!current) throw new Error(`a request outside of any message: ${config.url}`);
  const answer = await current.services.answer(current, new URL(config.url ?? ''));
  if (answer.error !== undefined) throw new AxiosError(answer.error, answer.error, config);
  return {
    status: answer.status ?? 200,
    statusText: '',
    headers: new AxiosHeaders(answer.headers ?? {}),
    data: Readable.from(bodyOf(answer), { objectMode: false }),
    config,
  };
};

async function* bodyOf({ body = '', cut }: Answer): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body);
  if (!cut) {
    if (bytes.length > 0) yield bytes;
    return;
  }
  yield bytes.subarray(0, Math.floor(bytes.length / 2));
  throw new Error('aborted');
}

const NEVER_ABORTED = new AbortController().signal;

/** Services that remember which messages people saw. */
export function createServices(options: {
  timeline: Timeline;
  random: Random;
  windows: readonly MoodWindow[];
  /** The share of requests that go wrong outside of all windows, until `untilMs`. */
  glitches: { share: number; untilMs: number };
  typeOf: (service: string) => ChannelType;
  /** How long a working service asks to wait when messages come too fast; undefined when they do not. */
  overRateMs: (service: string, nowMs: number) => number | undefined;
  wallMs: () => number;
  onPost: (post: Post) => void;
}): Services {
  const { timeline, random, windows, glitches, typeOf, overRateMs, wallMs, onPost } = options;
  const posts: Post[] = [];
  let hasLied = false;

  function moodOf(service: string): Mood {
    const now = timeline.trueMs();
    // The first request to a service that can lie always gets a lie, so that every schedule has one.
    if (typeOf(service) !== 'webhook' && !hasLied) {
      hasLied = true;
      return 'lie';
    }
    const window = windows.find((one) => one.service === service && one.fromMs <= now && now < one.toMs);
    if (window) return window.mood;
    if (now >= glitches.untilMs || !random.chance(glitches.share)) return 'accept';
    return random.pick(['fail', 'hang', 'break off', 'limit', 'refuse', 'lie', 'unclear'] as const);
  }

  const network: Network = {
    async answer(current, url) {
      const service = url.hostname.split('.')[0] ?? '';
      const type = typeOf(service);
      const mood = moodOf(service);
      const waitMs = mood === 'accept' ? overRateMs(service, timeline.trueMs()) : undefined;
      const answer =
        waitMs === undefined ? answerOf(mood, type, random, wallMs()) : overItsRate(type, waitMs, random);
      const post: Post = {
        atMs: timeline.trueMs(),
        service,
        channel: current.channel,
        notification: current.notification,
        answer,
      };
      current.posts.push(post);
      posts.push(post);
      onPost(post);
      await timeline.sleep(answer.afterMs, NEVER_ABORTED);
      return answer;
    },
  };

  return {
    posts,
    watched: (channel, name, alive) => ({
      // Channels with one destination share its pace; after an edit the new channel continues that pace.
      ...(channel.destination && { destination: channel.destination }),
      async send(notification, picture, sendOptions) {
        if (!alive()) return new Promise(() => {});
        const current: Sending = { services: network, channel: name, notification, posts: [] };
        const conclude = (kind: 'accepted' | 'unclear' | 'failed', detail: string) => {
          const last = current.posts.at(-1);
          if (last) last.outcome = { kind, atMs: timeline.trueMs(), detail };
        };
        try {
          const receipt = await sending.run(current, () => channel.send(notification, picture, sendOptions));
          if (!alive()) return new Promise(() => {});
          const unclear = (receipt as { unclear?: string }).unclear;
          conclude(unclear === undefined ? 'accepted' : 'unclear', unclear ?? receipt.detail);
          return receipt;
        } catch (error) {
          if (!alive()) return new Promise(() => {});
          conclude('failed', error instanceof Error ? error.message : String(error));
          throw error;
        }
      },
    }),
  };
}
