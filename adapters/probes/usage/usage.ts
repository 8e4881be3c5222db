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
import type { ScriptProbe } from '../script-probe.ts';

const text = readFileSync(new URL('./script.sh', import.meta.url), 'utf8');

const GROUPS: readonly string[] = ['node', 'mount', 'interface', 'disk'];
/** What a batch tells of a node whatever was checked. */
const OF_BATCH: readonly string[] = ['up', 'host_key_mismatch'];

/** Load, memory, disks, network and pressure of a Linux node, by one shell script without privileges. */
export const usage: AdapterDescriptor & ScriptProbe<UsageCounters> = {
  type: 'usage',
  title: 'CPU, memory, disks, network, pressure and clock',
  options: z.strictObject({}),
  metrics: METRICS.filter(({ name, group }) => GROUPS.includes(group) && !OF_BATCH.includes(name)).map(
    ({ name }) => name,
  ),
  script: {
    name: 'usage@1',
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
    end: '@bartizan end',
  },
  parse: parseUsage,
  isComparable: (before, after, maxSeconds): before is UsageCounters =>
    isUsageCounters(before) && areComparable(before, after, maxSeconds),
  computeRates,
};
