import { clockText } from './fixture.ts';
import type { Violations } from './invariants.ts';
import { MINUTE } from './timeline.ts';
import { type Episode, nameOf, type Truth } from './truth.ts';

/** An alert that has been withheld for this long is withheld for every sender. */
const KNOWN_AFTER_MS = MINUTE;

/** A withheld alert is not sent, neither as news nor as the only alert of a reminder. */
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
      violated('a reminder of withheld alerts', `${notification.key} to ${channel} at ${clockText(atMs)}`);
  }
}
