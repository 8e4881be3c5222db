import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { METRICS } from '../../../core/catalogue.ts';
import {
  areComparable,
  computeRates,
  isUsageCounters,
  type UsageCounters,
} from '../../../core/parse/rates.ts';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import type { AdapterDescriptor } from '../../../core/registry.ts';
import type { Script } from '../../ssh/command.ts';
import type { ScriptProbe } from '../script-probe.ts';
import { sentText } from '../sent-text.ts';

const text = sentText(readFileSync(new URL('./script.sh', import.meta.url), 'utf8'));

const GROUPS: readonly string[] = ['node', 'mount', 'interface', 'disk'];
/** Metrics that the batch writes for each node, whatever the check. */
const BATCH_METRICS: readonly string[] = ['up', 'host_key_mismatch'];

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

/** Reads load, memory, disks, network and pressure of a Linux node with one shell script that needs no privileges. */
export const usage: AdapterDescriptor & ScriptProbe<UsageCounters> = {
  type: 'usage',
  title: 'CPU, memory, disks, network, pressure and clock',
  options,
  metrics: METRICS.filter(({ name, group }) => GROUPS.includes(group) && !BATCH_METRICS.includes(name)).map(
    ({ name }) => name,
  ),
  script: withoutVolumes,
  catalogue: [withoutVolumes, withVolumes, PREVIOUS],
  scriptFor: (chosen) => (chosen.volumes === true ? withVolumes : withoutVolumes),
  parse: parseUsage,
  isComparable: (before, after, maxSeconds): before is UsageCounters =>
    isUsageCounters(before) && areComparable(before, after, maxSeconds),
  computeRates,
};
