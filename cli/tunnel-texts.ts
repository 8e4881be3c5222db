import type { LocalEnd } from '../adapters/tunnel/local-listener.ts';
import { LOOPBACK } from '../adapters/tunnel/local-listener.ts';
import type { PortService } from './service-of-port.ts';

/** Where a tunnel listens, for people. */
export function endText(end: LocalEnd): string {
  return 'socket' in end ? end.socket : `${LOOPBACK}:${end.port}`;
}

/** A command line of curl that asks the service through the tunnel. `caFile`: authority of its certificate, if known. */
export function curlLine(service: PortService, end: LocalEnd, caFile: string | undefined): string {
  const { tls, name, port, path } = service;
  const url = `${tls ? 'https' : 'http'}://${bracketed(name)}:${port}${path}`;
  const route =
    'socket' in end
      ? ['--unix-socket', end.socket]
      : ['--connect-to', `${bracketed(name)}:${port}:${LOOPBACK}:${end.port}`];
  const trust = tls ? ['--cacert', caFile ?? UNKNOWN_CA] : [];
  return ['curl', ...trust, ...route, url].map(quoted).join(' ');
}

/** Stands for the file of an authority that the configuration does not name. */
export const UNKNOWN_CA = 'CA.crt';

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** An argument for a POSIX shell. A leading `~` stays, so that the shell replaces it. */
export function quoted(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
