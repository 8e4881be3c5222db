import { X509Certificate } from 'node:crypto';
import { cutText, visibleLine } from '../../../core/text/visible-line.ts';

export interface CertificateFacts {
  /** As `CN=kube-apiserver`; one line. */
  subject: string;
  issuer: string;
  /** As `DNS:kubernetes, IP Address:10.96.0.1`; empty without any. */
  names: string;
  fromMs: number;
  untilMs: number;
}

const MAX_NAME = 100;
const MAX_NAMES = 300;

/** Undefined: this is no certificate. */
export function readCertificate(base64: string): CertificateFacts | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
  const [fromMs, untilMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (Number.isNaN(fromMs) || Number.isNaN(untilMs)) return undefined;
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    names: cutText(visibleLine((certificate.subjectAltName ?? '').slice(0, 10 * MAX_NAMES)), MAX_NAMES),
    fromMs,
    untilMs,
  };
}

/** Parts of a name are lines. A node may write anything there. */
function nameText(name: string | undefined): string {
  const lines = (name ?? '').slice(0, 10 * MAX_NAME).split('\n');
  return cutText(visibleLine(lines.join(', ')), MAX_NAME) || 'no name';
}
