import { clockText } from './fixture.ts';
import type { Violations } from './invariants.ts';
import { MINUTE } from './timeline.ts';
import { type Episode, nameOf, type Truth } from './truth.ts';

/** What withholds an alert for so long is known to whoever sends. */
const KNOWN_AFTER_MS = MINUTE;

/** What a silence or another alert withholds is not sent: neither as news, nor as the only thing of a reminder. */
export function checkQuiet(truth: Truth, violated: Violations): void {
  const { posts, byId, withheldWithin } = truth;
  for (const { atMs, channel, notification } of posts) {
    const isWithheld = (episode: Episode | undefined, status: 'firing' | 'resolved') =>
      episode !== undefined && withheldWithin(episode, status, atMs - KNOWN_AFTER_MS, atMs);
    const deliveries = notification.alerts.map((alert) => {
      const episode = byId.get(`${alert.alertId}@${alert.firedAtMs}`);
      return { episode, alert, withheld: isWithheld(episode, alert.status) };
    });
    for (const { episode, alert, withheld } of deliveries) {
      if (withheld && alert.news && episode)
        violated(
          'sent while it was withheld',
          `${nameOf(episode)} ${alert.status} to ${channel} at ${clockText(atMs)}`,
        );
    }
    if (notification.reason === 'repeat' && deliveries.every(({ withheld }) => withheld))
      violated('a reminder of what is withheld', `${notification.key} to ${channel} at ${clockText(atMs)}`);
  }
}
