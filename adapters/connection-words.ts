import { ConfigError, RetryableError } from '../core/errors.ts';

/** What Node and OpenSSL call what is wrong with a certificate: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE =
  /CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID|PATH_LENGTH|INVALID_(CA|PURPOSE)|CRL/;
const UNKNOWN_AUTHORITY =
  /SELF_SIGNED|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|INVALID_CA|CERT_UNTRUSTED/;

/** What a code of a failed connection means. The address stands in front of it. */
export function connectionWords(code: string | undefined, port: number): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'the name does not resolve; is it written right, and known to the DNS here?';
    case 'EAI_AGAIN':
      return 'the name cannot be looked up now: DNS does not answer';
    case 'ECONNREFUSED':
      return `nothing listens on port ${port}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it; is a `proxy` needed here?';
    case 'ETIMEDOUT':
      return 'it does not answer; does a firewall stand between, or is a `proxy` needed here?';
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'it ended the connection';
    case 'EMFILE':
    case 'ENFILE':
      return 'this machine has no file left to open a connection; raise its limit of open files';
    case 'EADDRNOTAVAIL':
      return 'this machine has no port or address left to connect from';
    case undefined:
      return 'the connection failed';
    default:
      return code.startsWith('HPE_') ? 'what answers there is not HTTP' : code;
  }
}

/** What a failed connection to `place` is: one that only the operator can mend, or one that may work later. */
export function connectionError(
  place: string,
  code: string | undefined,
  port: number,
): ConfigError | RetryableError {
  if (code !== undefined && CERTIFICATE.test(code))
    return new ConfigError(`${place}: its certificate is not valid: ${certificateWords(code)} (${code})`);
  if (code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS') || code === 'EPROTO')
    return new ConfigError(
      `${place}: what answers there is not TLS, or none that we speak; is it \`http://\`?`,
    );
  return new RetryableError(`${place}: ${connectionWords(code, port)}`);
}

function certificateWords(code: string): string {
  if (UNKNOWN_AUTHORITY.test(code))
    return `nobody we know vouches for it; write the certificate of its authority as \`ca: \${file:…}\``;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'it has expired; renew it there, and see to the clock here';
    case 'CERT_NOT_YET_VALID':
      return 'it is not valid yet; see to the clocks';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return 'it is that of another name; write the name that it is made out to';
    case 'CERT_REVOKED':
      return 'it was revoked';
    default:
      return 'renew it there';
  }
}
