import type { Labels, Point, Series } from '../model.ts';
import { placeOf } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';

/** Looks up what belongs to one node; the indexes are built when first asked for, since most rules are quiet. */
export interface Places {
  targetAt(place: string): ExpectedTarget | undefined;
  /** `up` of the node; what belongs to no node goes by the rounds in which its like was seen, each as an up. */
  upsAt(place: string | undefined): readonly Point[];
  seriesAt(place: string): readonly Series[];
}

export function createPlaces(input: Pick<EvaluateInput, 'series' | 'up' | 'targets'>): Places {
  let targets: Map<string | undefined, ExpectedTarget> | undefined;
  let ups: Map<string | undefined, Series[]> | undefined;
  let series: Map<string | undefined, Series[]> | undefined;
  let rounds: readonly Point[] | undefined;
  return {
    targetAt(place) {
      targets ??= new Map(input.targets.map((target) => [placeOf(target.labels), target]));
      return targets.get(place);
    },
    upsAt(place) {
      if (place === undefined) {
        rounds ??= roundsOf(input.series.filter(({ labels }) => placeOf(labels) === undefined));
        return rounds;
      }
      ups ??= byPlace(input.up);
      const found = ups.get(place);
      if (!found) return [];
      // Two series of one node: its role was changed.
      return found.length === 1 && found[0] ? found[0].points : mergePoints(found);
    },
    seriesAt(place) {
      series ??= byPlace(input.series);
      return series.get(place) ?? [];
    },
  };
}

function byPlace(all: readonly Series[]): Map<string | undefined, Series[]> {
  const places = new Map<string | undefined, Series[]>();
  for (const one of all) {
    const place = placeOf(one.labels);
    const there = places.get(place);
    if (there) there.push(one);
    else places.set(place, [one]);
  }
  return places;
}

/** Points of several series in order of time, one a time: the greatest. */
export function mergePoints(all: readonly Series[]): Point[] {
  const merged = new Map<number, number>();
  for (const { points } of all) {
    for (const { timeMs, value } of points)
      merged.set(timeMs, Math.max(value, merged.get(timeMs) ?? -Infinity));
  }
  return [...merged].map(([timeMs, value]) => ({ timeMs, value })).sort((a, b) => a.timeMs - b.timeMs);
}

function roundsOf(all: readonly Series[]): Point[] {
  return mergePoints(all).map(({ timeMs }) => ({ timeMs, value: 1 }));
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
