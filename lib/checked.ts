import { createHash } from 'node:crypto';
import { type Settings, writeSettings } from './settings.ts';

/** The CDK context that `npm run deploy` sets after it checked the account. */
export const CHECKED = 'bartizan:checked';

/** A hash of the checked settings, because CDK also reads context from files that we do not read. */
export function checkedMark(settings: Settings): string {
  const text = JSON.stringify([settings.name, writeSettings(settings)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
