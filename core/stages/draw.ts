import type { PictureOrder } from '../chart/series.ts';
import { chartRange } from '../chart/spec.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import type { Notification, Picture } from '../model/notification.ts';
import type { ChartStore, PictureForm } from '../ports.ts';

/** Draws one picture at a time or several, elsewhere or here; see adapters/charts/picture-queue.ts. */
export interface Drawer {
  /** @throws RetryableError when there is no time or no room for it; the error of drawing */
  draw(order: PictureOrder, options: DrawOptions): Promise<Omit<Picture, 'url'>>;
}

export interface DrawOptions {
  /** Aborts when nobody wants the picture any more: it is dropped while it waits to be drawn. */
  signal: AbortSignal;
  /** A later picture is of no use: drawing does not begin if it would end later. */
  withinMs?: number;
  /** When the newest of its events happened: pictures of the newest events are drawn first. */
  newestMs?: number;
}

export interface MessageDrawOptions extends DrawOptions {
  /** What the channel shows of it. */
  form?: PictureForm;
}

export interface DrawPorts {
  drawer: Drawer;
  charts: ChartStore;
  config: Pick<Config, 'channels' | 'checks' | 'schedule'>;
}

/**
 * Draws the rule of a notification's first alert. Undefined when the incident does not know the rule, or when the channel
 * shows the picture's address and it gets none.
 */
export function createDraw({ drawer, charts, config }: DrawPorts) {
  return async (
    notification: Notification,
    incident: Incident,
    { form, ...options }: MessageDrawOptions = { signal: new AbortController().signal },
  ): Promise<Picture | undefined> => {
    const order = orderPicture(notification, incident, config);
    if (!order || (form === 'address' && charts.unpublished)) return undefined;
    const picture = await drawer.draw(order, { newestMs: newsMs(order), ...options });
    return { ...picture, url: await charts.put(picture.png) };
  };
}

/** When the newest event of a picture happened. */
function newsMs({ alerts }: PictureOrder): number {
  return alerts.reduce((newest, alert) => Math.max(newest, alert.resolvedAtMs ?? alert.firedAtMs), 0);
}

/** What decides the picture of a message; undefined where its incident does not know the rule. */
export function orderPicture(
  notification: Notification,
  incident: Incident,
  { channels, checks, schedule }: DrawPorts['config'],
): PictureOrder | undefined {
  const first = notification.alerts[0];
  const rule = first && incident.rules[first.rule];
  if (!rule) return undefined;
  const alerts = notification.alerts.filter((alert) => alert.rule === rule.name);
  const nowMs = notification.atMs;
  const { intervalMs, intervalOf } = ruleIntervals(createIntervals(checks), rule, alerts);
  return {
    rule,
    alerts,
    status: notification.status,
    ...chartRange({ rule, alerts, nowMs, intervalMs }),
    nowMs,
    timeZone: schedule.timeZone,
    intervalMs,
    ...(intervalOf && { checks }),
    theme: channels.find(({ name }) => name === incident.channel)?.theme ?? 'dark',
  };
}
