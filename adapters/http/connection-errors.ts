import { ConfigError, RetryableError } from '../../core/errors.ts';

/** Error codes of Node and OpenSSL for bad certificates: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE =
  /CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID|PATH_LENGTH|INVALID_(CA|PURPOSE)|CRL/;
const UNKNOWN_AUTHORITY =
  /SELF_SIGNED|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|INVALID_CA|CERT_UNTRUSTED/;

/** Explains the code of a failed connection, as the rest of a sentence that begins with the address. */
export function explainConnectionError(code: string | undefined, port: number): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'the name does not resolve; is it spelled correctly, and known to the DNS here?';
    case 'EAI_AGAIN':
      return 'the name cannot be resolved now: DNS does not answer';
    case 'ECONNREFUSED':
      return `nothing listens on port ${port}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it; is a `proxy` needed here?';
    case 'ETIMEDOUT':
      return 'it does not answer; is there a firewall in between, or is a `proxy` needed here?';
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'it ended the connection';
    case 'EMFILE':
    case 'ENFILE':
      return 'this machine has too many open files to open a connection; raise the limit';
    case 'EADDRNOTAVAIL':
      return 'this machine has no port or address left to connect from';
    case undefined:
      return 'the connection failed';
    default:
      return code.startsWith('HPE_') ? 'the server does not answer in HTTP' : code;
  }
}

/** The error for a failed connection: ConfigError where the operator must act, else RetryableError. */
export function connectionError(
  endpoint: string,
  code: string | undefined,
  port: number,
): ConfigError | RetryableError {
  if (code !== undefined && CERTIFICATE.test(code))
    return new ConfigError(
      `${endpoint}: its certificate is not valid: ${explainCertificate(code)} (${code})`,
    );
  if (code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS') || code === 'EPROTO')
    return new ConfigError(
      `${endpoint}: the server does not use TLS, or none that we support; is it \`http://\`?`,
    );
  return new RetryableError(`${endpoint}: ${explainConnectionError(code, port)}`);
}

function explainCertificate(code: string): string {
  if (UNKNOWN_AUTHORITY.test(code))
    return `it is signed by an unknown authority; write the certificate of that authority as \`ca: \${file:…}\``;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'it has expired; renew it on the server, or correct the clock here';
    case 'CERT_NOT_YET_VALID':
      return 'it is not valid yet; check the clocks on both sides';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return 'it was issued for another name; use that name in the address';
    case 'CERT_REVOKED':
      return 'it was revoked';
    default:
      return 'renew it on the server';
  }
}
