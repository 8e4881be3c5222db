// A handler with everything that is hard to bundle: ssh2 with its native binding, the script of a check, fonts, a
// renderer.
import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import { createChartRenderer } from '../../adapters/charts/renderer.ts';
import { PROBES } from '../../adapters/probes/registry.ts';
import { hasNativeCrypto } from '../../adapters/ssh/native-crypto.ts';
import type { ChartSpec } from '../../core/chart/spec.ts';
import { scriptsWithoutOptions } from '../probe-scripts.ts';

const SPEC: ChartSpec = {
  theme: 'dark',
  status: 'history',
  title: 'Memory usage 메모리',
  subtitle: 'prod',
  x: { min: 0, max: 60_000, ticks: [{ at: 0, label: '12:00' }] },
  y: { min: 0, max: 100, ticks: [{ at: 0, label: '0 %' }] },
  thresholdLines: [],
  bands: [],
  lines: [{ name: 'prod-1', value: '92 %', breaching: true, segments: [[{ timeMs: 0, value: 92 }]] }],
  omitted: 0,
  stepped: false,
  alt: '',
};

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

/** The results of the hard parts: the same in the sources and in a bundle. */
export async function handler(): Promise<{
  picture: string;
  scripts: string[];
  key: string;
  nativeCrypto: boolean;
}> {
  const { png } = await createChartRenderer().render(SPEC);
  return {
    picture: sha256(png),
    scripts: PROBES.flatMap(scriptsWithoutOptions).map(({ text }) => sha256(text)),
    key: ssh2.utils.generateKeyPairSync('ed25519').public.split(' ')[0] ?? '',
    nativeCrypto: hasNativeCrypto(),
  };
}
