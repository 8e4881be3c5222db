import { formatDuration } from '../duration.ts';
import type { AdapterKinds } from '../registry.ts';
import { quoted } from '../text/suggestions.ts';
import { defaultRoutes } from './defaults.ts';
import { type Draft, textOf } from './draft.ts';
import { type Finding, warningAt } from './problem.ts';

/** Finds channels whose service takes an alert for ended before the next reminder of it. */
export function* lateReminders({ channels = [], routes }: Draft, kinds: AdapterKinds): Generator<Finding> {
  for (const { path, raw, value: channel } of channels) {
    const kind = kinds.channels.find(({ type }) => type === channel?.type);
    const options = kind?.endsAfterMs && kind.options.safeParse(channel?.options);
    if (!channel || !options?.success) continue;
    const endsAfterMs = kind?.endsAfterMs?.(options.data) ?? Infinity;
    const all = routes?.flatMap(({ value }) => value ?? []) ?? defaultRoutes([channel]);
    const late = all.find(
      (route) => route.channels.includes(channel.name) && route.repeatIntervalMs >= endsAfterMs,
    );
    if (!late) continue;
    const repeat = late.repeatIntervalMs === Infinity ? '`never`' : formatDuration(late.repeatIntervalMs);
    yield warningAt(
      textOf(raw, 'endsAfter') === undefined ? path : [...path, 'endsAfter'],
      `an alert ends there ${formatDuration(endsAfterMs)} after the last message about it, and the \`repeatInterval\` of route ${quoted(late.name)} is ${repeat}`,
      'write a longer `endsAfter`, or a shorter `repeatInterval`: otherwise alerts end there while they fire',
    );
  }
}
