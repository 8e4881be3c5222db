// Parses values of the command line. An invalid one is wrong usage: commander prints the reason and exits with 2.

import { InvalidArgumentError } from 'commander';
import { requireDeploymentName } from '../adapters/aws/deployment.ts';
import { findMetric, GROUP_LABELS, METRICS } from '../core/catalogue.ts';
import { mayBeInventoryLabel } from '../core/config/inventory-labels.ts';
import { ROUTED_LABELS } from '../core/config/matchers.ts';
import { parseDuration } from '../core/duration.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { nearest } from '../core/text/suggestions.ts';

/** A duration, in milliseconds. */
export function durationArgument(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
  if (ms === 0) throw new InvalidArgumentError('It must be longer than 0s.');
  return ms;
}

/** An id or its beginning. A shell variable that is not set gives an empty text, which is the beginning of every id. */
export function idArgument(text: string): string {
  if (text.trim() === '')
    throw new InvalidArgumentError('It is empty; write at least the beginning of an id.');
  return text;
}

/** A name of the catalogue; the option may be repeated. */
export function metricArgument(text: string, before: readonly string[] | undefined): string[] {
  if (findMetric(text)) return [...(before ?? []), text];
  const near = nearest(
    text,
    METRICS.map((metric) => metric.name),
  );
  const hint = near === undefined ? 'see `bartizan query --help`' : `did you mean ${near}?`;
  throw new InvalidArgumentError(`There is no such metric; ${hint}`);
}

/** The labels that samples have. */
export const SAMPLE_LABELS: readonly string[] = [...new Set(Object.values(GROUP_LABELS).flat())];

/** Refuses a label that is not in `labels`: it would match nothing, and nobody would see why. */
export function checkLabel(name: string, labels: readonly string[]): void {
  if (labels.includes(name)) return;
  const near = nearest(name, labels);
  const hint = near === undefined ? `possible: ${labels.join(', ')}` : `did you mean ${near}?`;
  throw new InvalidArgumentError(`There is no label ${name}; ${hint}`);
}

/** The same for labels of alerts, which may come from an inventory: only a name that is nearly another one is refused. */
export function checkAlertLabel(name: string): void {
  if (mayBeInventoryLabel(name) && nearest(name, ROUTED_LABELS) === undefined) return;
  checkLabel(name, ROUTED_LABELS);
}

/** What is wrong with labels of alerts that neither samples nor clusters have; a source of clusters may bring any. */
export function unknownAlertLabel(
  names: readonly string[],
  { clusters, inventory }: Pick<Config, 'clusters' | 'inventory'>,
): string | undefined {
  const own = clusters.flatMap(({ labels, nodes }) => [labels, ...nodes.map((node) => node.labels)]);
  const known = new Set([...ROUTED_LABELS, ...own.flatMap((labels) => Object.keys(labels ?? {}))]);
  const strange = inventory.length > 0 ? undefined : names.find((name) => !known.has(name));
  return strange && `there is no label ${strange}; possible: ${[...known].join(', ')}`;
}

/** `label=glob`; the option may be repeated. Of one label any glob may match, and all labels must match. */
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
