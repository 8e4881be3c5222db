import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { metricsOfProbe } from '../../../core/catalogue.ts';
import {
  areComparable,
  computeRates,
  isUsageCounters,
  type UsageCounters,
} from '../../../core/parse/rates.ts';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import type { AdapterDescriptor } from '../../../core/registry.ts';
import type { Script } from '../../ssh/command.ts';
import type { CheckOptions, Probe } from '../probe.ts';
import { probeByScript } from '../script-probe.ts';
import { sentText } from '../sent-text.ts';

const text = sentText(readFileSync(new URL('./script.sh', import.meta.url), 'utf8'));

const options = z.strictObject({
  volumes: z
    .boolean()
    .describe(
      "Watch the volumes of pods (under kubelet's `pods` and `plugins`) and container layers as disks too",
    )
    .default(false),
});

const scriptOf = (name: string, source: string): Script => ({
  name,
  text: source,
  sha256: createHash('sha256').update(source).digest('hex'),
  end: '@bartizan end',
});
const withoutVolumes = scriptOf('usage@2', text);
const withVolumes = scriptOf('usage-volumes@2', text.replace(/^( *volumes=)no$/m, '$1yes'));

/** The script of the previous release. The lines of `bartizan keys` allow it too, for the time of an upgrade. */
const PREVIOUS = {
  name: 'usage@1',
  sha256: '47d32cf7b2150d734ff73f87c06e1ddaf5b85d31a74fcbad3ee23734e3dca16c',
};

/** The script of a check with these options. */
export function usageScript(chosen: CheckOptions = {}): Script {
  return chosen.volumes === true ? withVolumes : withoutVolumes;
}

/** Reads load, memory, disks, network and pressure of a Linux node with one shell script that needs no privileges. */
export const usage: AdapterDescriptor & Probe = {
  type: 'usage',
  title: 'CPU, memory, disks, network, pressure and clock',
  options,
  ...probeByScript<UsageCounters>({
    metrics: metricsOfProbe('usage'),
    catalogue: [withoutVolumes, withVolumes, PREVIOUS],
    scriptFor: usageScript,
    parse: parseUsage,
    isComparable: (before, after, maxSeconds): before is UsageCounters =>
      isUsageCounters(before) && areComparable(before, after, maxSeconds),
    computeRates,
  }),
};
