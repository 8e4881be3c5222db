// Values of the command line. What is wrong with one is wrong usage: commander tells it, and exits 2.
import { InvalidArgumentError } from 'commander';
import { findMetric, METRICS } from '../core/catalogue.ts';
import { parseDuration } from '../core/config/duration.ts';
import { nearest } from '../core/config/problem.ts';
import { describeError } from '../core/errors.ts';

/** Milliseconds. */
export function durationArgument(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
  if (ms === 0) throw new InvalidArgumentError('It must be longer than nothing.');
  return ms;
}

/** An id, or how one begins. A variable of a shell that is not set would be the beginning of each. */
export function idArgument(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty: every id begins so.');
  return text;
}

/** A name of the catalogue, added to those before it. */
export function metricArgument(text: string, before: readonly string[] | undefined): string[] {
  if (findMetric(text)) return [...(before ?? []), text];
  const near = nearest(
    text,
    METRICS.map((metric) => metric.name),
  );
  const hint = near === undefined ? 'see `bartizan query --help`' : `did you mean ${near}?`;
  throw new InvalidArgumentError(`There is no such metric; ${hint}`);
}

/** `label=glob`, added to those before it: of one label any may match, all labels must. */
export function whereArgument(
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Record<string, readonly string[]> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError("Write label=glob, such as node='etcd-*'");
  const name = text.slice(0, at);
  return { ...before, [name]: [...(before[name] ?? []), text.slice(at + 1)] };
}
