import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { metricsOfProbe } from '../../../core/catalogue.ts';
import { beginsReading, lifeReadings } from '../../../core/parse/certificate-life.ts';
import { listText, type PkiOutput, parsePki } from '../../../core/parse/pki-output.ts';
import type { Reading } from '../../../core/parse/reading.ts';
import type { AdapterDescriptor } from '../../../core/registry.ts';
import type { Script } from '../../ssh/command.ts';
import { probeError } from '../../ssh/failure.ts';
import type { CheckOptions, Finding, NodeHandle, Probe } from '../probe.ts';
import { sentText } from '../sent-text.ts';
import { type CertificateFacts, readCertificate } from './certificate.ts';
import { trackClosedFiles } from './closed-files.ts';
import { MAX_PATHS, PRESETS, pathProblem } from './paths.ts';

const text = sentText(readFileSync(new URL('./certificates.sh', import.meta.url), 'utf8'));
const VERSION = 1;
const DAY_MS = 86_400_000;
/** Certificates that notes describe: those that expire first. */
const MOST_DESCRIBED = 40;
/** Paths that a failure names: it is one line. */
const FEW_PATHS = 3;

const pathSchema = z.string().superRefine((path, context) => {
  const message = pathProblem(path);
  if (message !== undefined) context.addIssue({ code: 'custom', message, input: path });
});

const options = z.strictObject({
  preset: z
    .enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[])
    .describe('Reads where this distribution keeps certificates and kubeconfigs')
    .default('kubeadm'),
  paths: z
    .array(pathSchema)
    .min(1)
    .max(MAX_PATHS)
    .describe(
      'Reads these instead: files, and folders with all that is in them. They are part of the script, so `bartizan keys` prints another hash for the lines of nodes',
    )
    .optional(),
});

const scripts = new Map<string, Script>();

/** The script of a check with these options: paths in another order make the same. */
export function pkiScript(chosen: CheckOptions = {}): Script {
  const { preset, paths } = options.parse(chosen);
  const sorted = [...new Set<string>(paths ?? PRESETS[preset])].sort();
  const key = sorted.join(' ');
  const known = scripts.get(key);
  if (known) return known;
  const source = text.replace(/^set -- .*$/m, () => `set -- ${key}`);
  const sha256 = createHash('sha256').update(source).digest('hex');
  const name = paths ? `pki-${sha256.slice(0, 8)}@${VERSION}` : `pki-${preset}@${VERSION}`;
  const script = { name, text: source, sha256, end: '@bartizan end' };
  scripts.set(key, script);
  return script;
}

/** Reads the certificates in files and kubeconfigs of a node, also while its API server is down. */
export const pki: AdapterDescriptor & Probe = {
  type: 'pki',
  title: 'Certificates in files and kubeconfigs',
  options,
  every: '1h',
  metrics: metricsOfProbe('pki'),
  catalogue: Object.keys(PRESETS).map((preset) => pkiScript({ preset })),
  scriptsFor: (chosen) => [pkiScript(chosen)],
  endpointsFor: () => [],
  logsIn: () => true,
  observe: (node, { options: chosen }, before) => observe(node, pkiScript(chosen), before),
};

async function observe(node: NodeHandle, script: Script, before: unknown): Promise<Finding> {
  const { parsed, login, output } = await node.run(script, parsePki);
  const { certificates, unreadable, missing, cutShort } = parsed;
  const readAnything = certificates.length + unreadable.count > 0;
  if (cutShort !== undefined && !readAnything) throw probeError('command', 'exec', cutShort);
  if (!readAnything && missing.count > 0) {
    const text = listText({ names: missing.names.slice(0, FEW_PATHS), count: missing.count });
    const advice = 'choose the `preset` or the `paths` of the check for this node';
    throw probeError('command', 'exec', `no certificates: ${advice}, as nothing is at ${text}`);
  }
  const { readings, notes: described } = describeAll(parsed, node.roundMs);
  readings.push({ metric: 'pki_unreadable', labels: {}, value: unreadable.count });
  const notes: string[] = [];
  if (unreadable.count > 0) notes.push(`not readable by our user: ${listText(unreadable)}`);
  notes.push(...parsed.notes);
  if (cutShort !== undefined) notes.push(`not all was read: ${cutShort}`);
  if (output.complaint !== '') notes.push(`stderr: ${output.complaint}`);
  const closed = trackClosedFiles(readings, unreadable.names, before);
  return {
    readings,
    notes: [...notes, ...described],
    isPartial: cutShort !== undefined || closed.isPartial,
    kept: closed.kept,
    ...(!login && { login: 'unknown' as const }),
  };
}

interface Described extends CertificateFacts {
  file: string;
}

/** Readings of all certificates, and notes on those that expire first. */
function describeAll({ certificates }: PkiOutput, nowMs: number): { readings: Reading[]; notes: string[] } {
  const known = new Map<string, CertificateFacts | undefined>();
  const described: Described[] = [];
  const odd: string[] = [];
  for (const { file, base64 } of certificates) {
    if (!known.has(base64)) known.set(base64, readCertificate(base64));
    const facts = known.get(base64);
    if (facts) described.push({ file, ...facts });
    else odd.push(file);
  }
  described.sort((a, b) => a.untilMs - b.untilMs || (a.file < b.file ? -1 : 1));
  const notes = described.slice(0, MOST_DESCRIBED).map((one) => describe(one, nowMs));
  const more = described.length - MOST_DESCRIBED;
  if (more > 0) notes.push(`${more} more certificates expire later`);
  if (odd.length > 0) notes.push(`not understood: ${listText({ names: odd, count: odd.length })}`);
  return {
    readings: described.flatMap((one) => {
      const labels = { file: one.file };
      return [...lifeReadings('cert', labels, one, nowMs), beginsReading('cert', labels, one.fromMs, nowMs)];
    }),
    notes,
  };
}

function describe({ file, subject, issuer, names, fromMs, untilMs }: Described, nowMs: number): string {
  const days = Math.floor((untilMs - nowMs) / DAY_MS);
  const ends = untilMs > nowMs ? `${days} days left` : 'expired';
  const begins = fromMs > nowMs ? `, valid only from ${dateOf(fromMs)} on` : '';
  const issued = issuer === subject ? 'signed by itself' : `issued by ${issuer}`;
  const served = names === '' ? '' : `, for ${names}`;
  return `${file}: until ${dateOf(untilMs)} (${ends}${begins}), ${subject}, ${issued}${served}`;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
