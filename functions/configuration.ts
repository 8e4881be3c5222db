import type { Bucket } from '../adapters/aws/bucket.ts';
import {
  clusterSections,
  type FleetSelection,
  type PublicSettings,
  type SectionName,
  type Settings,
  type SettingsWithFleet,
} from '../core/deployment/expanded.ts';
import { ConfigError, RetryableError } from '../core/errors.ts';
import type { ClusterConfig } from '../core/model/config.ts';
import type { Clock } from '../core/ports.ts';
import { type Manifest, readManifest, readSection } from './expanded-sections.ts';

/** A value of the active configuration, with a version that changes when the value does. */
export interface Loaded<T> {
  value: T;
  version: string;
}

export interface ConfigurationPorts {
  bucket: Pick<Bucket, 'get'>;
  clock: Clock;
}

/**
 * Each function reads the sections that it needs. All throw ConfigError without an active configuration, or
 * RetryableError.
 */
export interface Configuration {
  settings(): Promise<Loaded<Settings>>;
  publicSettings(): Promise<Loaded<PublicSettings>>;
  /** With the clusters of the file that are asked for; with all when more clusters come from elsewhere. */
  fleet(of: FleetSelection): Promise<Loaded<SettingsWithFleet>>;
  /** Makes the next use check for a new active configuration. */
  expire(): void;
}

/** An uploaded change is active when the next round is planned, and everywhere after this long. */
const KEPT_MS = 20_000;

/**
 * Reads the active configuration: the last valid upload, in the form that `plan` has made of it. Sections that are read
 * together have one version. A section that cannot be read is never replaced by an older one.
 */
export function createConfiguration(
  uploadedKey: string,
  { bucket, clock }: ConfigurationPorts,
): Configuration {
  let active: { manifest: Manifest; version: string; readAtMs: number } | undefined;
  /** The newest version of each section that was read. */
  const kept = new Map<SectionName, { digest: string | undefined; value: Promise<unknown> }>();

  async function manifestNow(): Promise<Manifest> {
    if (active && clock.nowMs() - active.readAtMs < KEPT_MS) return active.manifest;
    const found = await readManifest(bucket, active?.version);
    if (found?.kind === 'unusable') throw new RetryableError(`${found.why}: plan writes it again`);
    if (found) active = { ...found, readAtMs: clock.nowMs() };
    if (!active)
      throw new ConfigError(`there is no active configuration: upload ${uploadedKey}, plan checks it`);
    active.readAtMs = clock.nowMs();
    return active.manifest;
  }

  async function load(manifest: Manifest, name: SectionName): Promise<unknown> {
    const digest = manifest.parts[name];
    const last = kept.get(name);
    if (last?.digest === digest && last) return last.value;
    const value = readSection(bucket, manifest, name);
    kept.set(name, { digest, value });
    return value.catch((error: unknown) => {
      // A section that could not be read is read again at its next use.
      if (kept.get(name)?.value === value) kept.delete(name);
      throw error;
    });
  }

  const versionOf = ({ parts }: Manifest, names: readonly SectionName[]) =>
    names.map((name) => parts[name]).join(' ');

  return {
    async settings() {
      const manifest = await manifestNow();
      const value = (await load(manifest, 'settings')) as Settings;
      return { value, version: versionOf(manifest, ['settings']) };
    },
    async publicSettings() {
      const manifest = await manifestNow();
      const value = (await load(manifest, 'public')) as PublicSettings;
      return { value, version: versionOf(manifest, ['public']) };
    },
    async fleet(of) {
      const manifest = await manifestNow();
      const settings = (await load(manifest, 'settings')) as Settings;
      const isWhole = settings.inventory.length > 0 && of !== 'logins';
      const names = clusterSections(isWhole ? 'all' : of, manifest.slices);
      const sections = await Promise.all(names.map((name) => load(manifest, name)));
      const value = { ...settings, clusters: sections.flat() as ClusterConfig[] };
      return { value, version: versionOf(manifest, ['settings', ...names]) };
    },
    expire() {
      if (active) active.readAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
