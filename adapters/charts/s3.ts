import type { ChartStore, Clock } from '../../core/ports.ts';
import { openBucket } from '../aws/bucket.ts';
import type { AwsClient } from '../aws/client.ts';
import { chartUrl, isChartName, newChartName } from './chart-name.ts';

export interface S3ChartsOptions {
  bucket: string;
  /** Prefix of every name; ends in `/`. A rule of the bucket removes expired pictures under it after a while. */
  prefix?: string;
  /** Address of the server that has `GET /charts/:name`; without it pictures have no address. */
  publicUrl?: string;
  /** How long a picture can be fetched. */
  retentionMs: number;
  clock: Clock;
  client?: AwsClient;
}

export interface S3Charts extends ChartStore {
  /** The picture of that name, or undefined when there is none or it has expired. */
  get(name: string): Promise<Uint8Array | undefined>;
}

/** Metadata of an object: the time, in ms since 1970, when it expires. */
const EXPIRES = 'expires-at-ms';

/**
 * Pictures in a private bucket. Our server serves them: signed addresses would end with the credentials that signed them,
 * after hours. @throws as `Bucket`
 */
export async function openS3Charts(options: S3ChartsOptions): Promise<S3Charts> {
  const { prefix = 'charts/', publicUrl, retentionMs, clock } = options;
  const bucket = await openBucket(options);
  return {
    unpublished: publicUrl === undefined,
    async put(png) {
      if (publicUrl === undefined) return undefined;
      const name = newChartName();
      const metadata = { [EXPIRES]: String(clock.nowMs() + retentionMs) };
      await bucket.put(prefix + name, png, { contentType: 'image/png', metadata });
      return chartUrl(publicUrl, name);
    },
    async get(name) {
      if (!isChartName(name)) return undefined;
      const found = await bucket.get(prefix + name);
      const expiresAtMs = Number(found?.metadata[EXPIRES] ?? Number.NaN);
      return found && clock.nowMs() < expiresAtMs ? found.body : undefined;
    },
  };
}
