// The sections of the active configuration as objects of the bucket: each under the digest of its content, and a
// manifest that names those of one version. The manifest is written last, so that no reader mixes two versions.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import { z } from 'zod';
import type { Bucket } from '../adapters/aws/bucket.ts';
import {
  EXPANDED_FORMAT,
  readSectionText,
  type SectionName,
  sectionText,
} from '../core/deployment/expanded.ts';
import { RetryableError } from '../core/errors.ts';

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

/** Names the active sections. */
export const MANIFEST_KEY = 'config/active.json';
/** The prefix of sections. A lifecycle rule of the bucket deletes objects that were not written for some days. */
export const SECTIONS_PREFIX = 'config/expanded/';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const formatSchema = z.object({ format: z.number() });
const manifestSchema = z.strictObject({
  format: z.literal(EXPANDED_FORMAT),
  /** The code that made it, because another release may have other defaults. */
  release: z.string(),
  /** The version of the uploaded file from which it was made; '' when that one was not active. */
  uploaded: z.string(),
  writtenAtMs: z.number(),
  slices: z.int().min(1),
  parts: z.record(z.string(), digest),
});
export type Manifest = z.output<typeof manifestSchema>;

/** `unusable`: it is damaged, or a release with another format wrote it; `why` has the reason. */
export type FoundManifest =
  | { kind: 'usable'; manifest: Manifest; version: string }
  | { kind: 'unusable'; why: string };

/** Undefined when there is none, or when it still has the version `unless`. */
export async function readManifest(
  bucket: Pick<Bucket, 'get'>,
  unless?: string,
): Promise<FoundManifest | undefined> {
  const found = await bucket.get(MANIFEST_KEY, unless);
  if (!found) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(found.body));
  } catch {
    return { kind: 'unusable', why: `${MANIFEST_KEY} is damaged` };
  }
  const format = formatSchema.safeParse(value).data?.format;
  if (format !== undefined && format !== EXPANDED_FORMAT)
    return { kind: 'unusable', why: `${MANIFEST_KEY} has format ${format}, that of another release` };
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return { kind: 'usable', manifest: parsed.data, version: found.version };
  const [issue] = parsed.error.issues;
  return { kind: 'unusable', why: `${MANIFEST_KEY} is damaged: ${issue?.path.join('.')}: ${issue?.message}` };
}

/**
 * A section as it was written. Its content is not validated again: the digest proves that `plan` wrote it, and the
 * format determines its content. @throws RetryableError when it is damaged or missing: `plan` writes it again
 */
export async function readSection(
  bucket: Pick<Bucket, 'get'>,
  manifest: Manifest,
  name: SectionName,
): Promise<unknown> {
  return readSectionText((await gunzip(await readBytes(bucket, manifest, name))).toString('utf8'));
}

/** @throws RetryableError when a section is damaged or missing */
export async function verifySections(bucket: Pick<Bucket, 'get'>, manifest: Manifest): Promise<void> {
  await Promise.all(Object.keys(manifest.parts).map((name) => readBytes(bucket, manifest, name)));
}

async function readBytes(
  bucket: Pick<Bucket, 'get'>,
  { parts }: Manifest,
  name: string,
): Promise<Uint8Array> {
  const wanted = parts[name];
  if (wanted === undefined) throw new RetryableError(`${MANIFEST_KEY} names no section ${name}`);
  const key = keyOf(name, wanted);
  const found = await bucket.get(key);
  if (!found) throw new RetryableError(`${key} is missing: plan writes it again`);
  if (digestOf(found.body) !== wanted) throw new RetryableError(`${key} is damaged: plan writes it again`);
  return found.body;
}

/** Writes all sections, then the manifest. */
export async function writeSections(
  bucket: Pick<Bucket, 'put'>,
  sections: ReadonlyMap<SectionName, unknown>,
  made: Omit<Manifest, 'format' | 'parts'>,
): Promise<void> {
  const digests = await Promise.all(
    [...sections].map(async ([name, section]) => {
      const body = await gzip(sectionText(section));
      const written = digestOf(body);
      await bucket.put(keyOf(name, written), body, { contentType: 'application/gzip' });
      return [name, written] as const;
    }),
  );
  const manifest: Manifest = { format: EXPANDED_FORMAT, ...made, parts: Object.fromEntries(digests) };
  const body = Buffer.from(JSON.stringify(manifest));
  await bucket.put(MANIFEST_KEY, body, { contentType: 'application/json' });
}

function keyOf(name: string, written: string): string {
  return `${SECTIONS_PREFIX}${name}-${written}.json.gz`;
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
