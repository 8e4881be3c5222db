// Values of the command line. An invalid one is wrong usage: commander prints it, and exits 2.

import { InvalidArgumentError } from 'commander';
import { requireDeploymentName } from '../adapters/aws/deployment.ts';
import { findMetric, GROUP_LABELS, METRICS } from '../core/catalogue.ts';
import { parseDuration } from '../core/duration.ts';
import { describeError } from '../core/errors.ts';
import { nearest } from '../core/text/suggestions.ts';

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

/** Labels that samples have. */
export const SAMPLE_LABELS: readonly string[] = [...new Set(Object.values(GROUP_LABELS).flat())];

/** Refuses a label that is none of `labels`: with it nothing would match, and nobody would know why. */
export function checkLabel(name: string, labels: readonly string[]): void {
  if (labels.includes(name)) return;
  const near = nearest(name, labels);
  const hint = near === undefined ? `possible: ${labels.join(', ')}` : `did you mean ${near}?`;
  throw new InvalidArgumentError(`There is no label ${name}; ${hint}`);
}

/** `label=glob`, added to those before it: of one label any may match, all labels must. */
export function whereArgument(
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Record<string, readonly string[]> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError("Write label=glob, such as node='etcd-*'");
  const name = text.slice(0, at).trim();
  checkLabel(name, SAMPLE_LABELS);
  if (at === text.length - 1) throw new InvalidArgumentError('An empty glob matches nothing.');
  return { ...before, [name]: [...(before[name] ?? []), text.slice(at + 1)] };
}

/** The value of `--name`. */
export function deploymentNameArgument(name: string): string {
  try {
    requireDeploymentName(name, '--name');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return name;
}
