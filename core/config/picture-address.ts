import type { AdapterKinds } from '../registry.ts';
import { quoted } from '../text/suggestions.ts';
import type { Draft } from './draft.ts';
import { valueAt } from './fields.ts';
import { type Finding, warningAt } from './problem.ts';

/** Finds channels whose messages link pictures on our server, while readers cannot reach it. */
export function* unreachablePictures(
  { channels = [], server }: Draft,
  kinds: AdapterKinds,
): Generator<Finding> {
  const { publicUrl, host: listened } = server.value ?? {};
  const host = publicUrl === undefined ? listened : hostOf(publicUrl);
  if (host === undefined || !isOfThisMachine(host)) return;
  const why =
    publicUrl === undefined
      ? 'there is no `server.publicUrl`, and only this machine reaches the address that the server listens on'
      : `only this machine reaches \`server.publicUrl\`, ${quoted(publicUrl)}`;
  for (const { path, value } of channels) {
    const options = value && optionsOf(value, kinds);
    if (options?.picture !== 'url' || isLocalReceiver(options.url)) continue;
    const written = valueAt(value?.options, 'picture') === undefined ? 'type' : 'picture';
    yield warningAt(
      [...path, written],
      `readers of ${quoted(value?.name ?? '')} cannot reach its pictures: ${why}`,
      'write an address that they reach as `server.publicUrl` (a deployment on AWS has its own), or `picture: none`',
    );
  }
}

function optionsOf(
  { type, options }: { type: string; options: unknown },
  kinds: AdapterKinds,
): { picture?: unknown; url?: unknown } | undefined {
  const parsed = kinds.channels.find((kind) => kind.type === type)?.options.safeParse(options);
  return parsed?.success ? (parsed.data as { picture?: unknown; url?: unknown }) : undefined;
}

/** A receiver on this machine reaches our server in any case. */
function isLocalReceiver(url: unknown): boolean {
  const host = typeof url === 'string' ? hostOf(url) : undefined;
  return host !== undefined && isOfThisMachine(host);
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : undefined;
}

/** A server that listens on all addresses links `localhost` when it has no `publicUrl`. */
function isOfThisMachine(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::|)$/i.test(host);
}
