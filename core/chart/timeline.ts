// The picture of what rules did over a time: a lane for each alert.

import type { ChartTheme } from '../model/chart-theme.ts';
import type { Axis } from './axes.ts';

export interface Span {
  fromMs: number;
  toMs: number;
}

/** What is drawn in a lane; spans of one kind are in order of time, and do not overlap. */
export interface TimelineBar {
  /** Breaching, and not yet for long enough. */
  pending: readonly Span[];
  firing: readonly Span[];
  /** Firing, and sent to nobody. */
  unsent: readonly Span[];
  /** No samples say what was. */
  unknown: readonly Span[];
  messagesMs: readonly number[];
}

export interface TimelineLane {
  name: string;
  /** One, or one for each of two versions. */
  bars: readonly TimelineBar[];
}

/** The lanes of a rule. */
export interface TimelineGroup {
  name: string;
  note: string;
  lanes: readonly TimelineLane[];
  /** Alerts that have no lane. */
  omitted: number;
}

/** Everything that is drawn, decided; a renderer measures and paints. */
export interface TimelineSpec {
  theme: ChartTheme;
  title: string;
  subtitle: string;
  x: Axis;
  /** Names of the bars of a lane, where it has two. */
  versions: readonly string[];
  groups: readonly TimelineGroup[];
  /** The line below the groups: rules that have none. */
  rest: string;
  alt: string;
}

/** Spans of any order as spans that do not overlap; those that are closer than `closestMs` are one. */
export function mergeSpans(spans: readonly Span[], { fromMs, toMs }: Span, closestMs: number): Span[] {
  const within = spans
    .map((span) => ({ fromMs: Math.max(fromMs, span.fromMs), toMs: Math.min(toMs, span.toMs) }))
    .filter((span) => span.toMs >= span.fromMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const merged: Span[] = [];
  for (const span of within) {
    const last = merged.at(-1);
    if (last && span.fromMs - last.toMs <= closestMs) last.toMs = Math.max(last.toMs, span.toMs);
    else merged.push(span);
  }
  return merged;
}
