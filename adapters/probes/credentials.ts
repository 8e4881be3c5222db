// Whether credentials of a check can be used, once its references are resolved. No message holds a part of one.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface CredentialProblem {
  /** The option. */
  field: string;
  message: string;
  advice: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** What a header can carry: https://www.rfc-editor.org/rfc/rfc9110#name-field-values, of which tokens have the visible part. */
const TOKEN = /^[\x21-\x7e]+$/;
const HEADER = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What is wrong with the credentials of these options, those that are there. */
export function credentialProblem(options: Readonly<Record<string, unknown>>): CredentialProblem | undefined {
  const { ca, clientCertificate, clientKey, token, headers } = options;
  return (
    (typeof ca === 'string' ? caProblem(ca) : undefined) ??
    (typeof clientCertificate === 'string' && typeof clientKey === 'string'
      ? pairProblem(clientCertificate, clientKey)
      : undefined) ??
    (typeof token === 'string' && !TOKEN.test(token.trim())
      ? {
          field: 'token',
          message: 'the token has blanks, line breaks or other characters that no header can carry',
          advice: 'let the reference lead to the token alone',
        }
      : undefined) ??
    headerProblem(headers)
  );
}

/** The certificates of a PEM text, one a text, as OpenSSL takes the first of each. @throws where there is none, or one is damaged */
export function authoritiesIn(pem: string): string[] {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('no certificate');
  for (const one of found) new X509Certificate(one);
  return found;
}

function caProblem(ca: string): CredentialProblem | undefined {
  const advice = 'let the reference lead to the certificates (PEM) of the authority, such as `ca.crt`';
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(ca))
    return { field: 'ca', message: 'it holds a private key, which does not belong to it', advice };
  try {
    authoritiesIn(ca);
    return undefined;
  } catch {
    return { field: 'ca', message: 'it holds no certificate (PEM) that can be read', advice };
  }
}

function pairProblem(cert: string, key: string): CredentialProblem | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    const message = 'it is no certificate (PEM) that can be read';
    return {
      field: 'clientCertificate',
      message,
      advice: 'let the reference lead to the file of the client certificate',
    };
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    const isLocked = key.includes('ENCRYPTED');
    return {
      field: 'clientKey',
      message: isLocked ? 'the private key is encrypted' : 'it is no private key (PEM) that can be read',
      advice: isLocked
        ? 'write one without a passphrase: `openssl pkey -in KEY -out PLAIN`'
        : 'let the reference lead to the key of `clientCertificate`',
    };
  }
  if (certificate.checkPrivateKey(privateKey)) return undefined;
  return {
    field: 'clientKey',
    message: 'the private key does not belong to `clientCertificate`',
    advice: 'compare `openssl x509 -in CERTIFICATE -noout -pubkey` with `openssl pkey -in KEY -pubout`',
  };
}

function headerProblem(headers: unknown): CredentialProblem | undefined {
  const wrong = Object.entries(headers ?? {}).find(([, value]) => !HEADER.test(String(value)));
  if (!wrong) return undefined;
  return {
    field: 'headers',
    message: `the value of ${wrong[0]} has line breaks or other characters that no header can carry`,
    advice: 'let the reference lead to the value alone',
  };
}
