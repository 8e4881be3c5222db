import type { Labels } from '../../../core/model/labels.ts';
import { beginsReading, lifeReadings } from '../../../core/parse/certificate-life.ts';
import type { Reading } from '../../../core/parse/reading.ts';
import { oneLine } from '../../ssh/failure.ts';
import { reading } from '../service-probe.ts';
import { nameError, type TlsFacts } from '../tls-connection.ts';

export interface Served {
  readings: Reading[];
  notes: string[];
}

/** What a port served: its chain, and whether that leads to `ca`, where the handshake came so far. */
export interface Shown {
  port: number;
  chain: TlsFacts['chain'];
  /** Absent: there is no `ca`, or the server ended the handshake before. */
  verified?: { error: string | undefined };
}

/** The metrics of a served chain. The first of its certificates to expire decides. */
export function describeServed(
  { port, chain, verified }: Shown,
  { names, nowMs }: { names: readonly string[] | undefined; nowMs: number },
): Served {
  const labels: Labels = { port: String(port) };
  const notes: string[] = [];
  const at = (text: string) => notes.push(`port ${port}: ${text}`);
  const readings: Reading[] = [];
  const [first] = validities(chain).sort((a, b) => a.untilMs - b.untilMs);
  if (first) {
    readings.push(...lifeReadings('tls_cert', labels, first, nowMs));
    const lastFromMs = Math.max(...validities(chain).map(({ fromMs }) => fromMs));
    readings.push(beginsReading('tls_cert', labels, lastFromMs, nowMs));
    if (first.untilMs < nowMs) at(`the certificate of ${first.subject} has expired, ${dayOf(first.untilMs)}`);
  }
  for (const { subject, fromMs } of validities(chain))
    if (fromMs > nowMs) at(`the certificate of ${subject} is not valid before ${dayOf(fromMs)}`);
  if (names) {
    const missing = names.filter((name) => nameError({ chain }, name) !== undefined);
    readings.push(reading('tls_name_ok', missing.length === 0 ? 1 : 0, labels));
    if (missing.length > 0) {
      const served = oneLine(chain[0]?.subjectAltName ?? '') || 'no name';
      at(`its certificate is not for ${missing.join(', ')}, but for ${served}`);
    }
  }
  if (verified) {
    readings.push(reading('tls_chain_ok', verified.error === undefined ? 1 : 0, labels));
    if (verified.error !== undefined) at(`its chain does not lead to \`ca\` (${verified.error})`);
  }
  return { readings, notes };
}

interface Validity {
  subject: string;
  fromMs: number;
  untilMs: number;
}

/** The validity of each certificate whose times can be read. */
function validities(chain: TlsFacts['chain']): Validity[] {
  return chain
    .map(({ subject, validFrom, validTo }) => ({
      subject: oneLine((subject ?? '').split('\n').join(', ')) || 'no name',
      fromMs: Date.parse(validFrom),
      untilMs: Date.parse(validTo),
    }))
    .filter(({ fromMs, untilMs }) => !Number.isNaN(fromMs) && !Number.isNaN(untilMs));
}

/** A certificate may have any time of the years 0 to 9999. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
