import { LOOPBACK, type LocalEnd } from '../adapters/tunnel/local-listener.ts';
import type { Target } from '../core/model/target.ts';
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

/** What `tunnel` prints when it is open. `isApi`: the service is an API server, as far as the configuration shows. */
export function openText(open: {
  end: LocalEnd;
  target: Pick<Target, 'cluster' | 'node' | 'bastion'>;
  service: PortService;
  curl: string;
  caFile: string | undefined;
  isApi: boolean;
}): string {
  const { end, target, service, curl, caFile, isApi } = open;
  const { cluster, node, bastion } = target;
  const hops =
    service.via === 'bastion' ? [`bastion ${bastion}`] : [`bastion ${bastion}`, `${cluster}/${node}`];
  const lines = [
    `open: ${[endText(end), ...hops, `${bracketed(service.host)}:${service.port}`].join(' → ')}`,
    `  ${curl}`,
  ];
  if (service.tls && caFile === undefined)
    lines.push(
      `  (${UNKNOWN_CA}: the authority of its certificate, which the configuration does not name as a file)`,
    );
  if ('socket' in end) lines.push('Ctrl-C closes it.');
  else {
    if (isApi)
      lines.push(
        `  bartizan kubeconfig ${quoted(cluster)} --file ${quoted(`${cluster}.kubeconfig`)}   # for kubectl`,
      );
    lines.push('Every user of this machine can connect to this port (--socket: only you). Ctrl-C closes it.');
  }
  return `${lines.join('\n')}\n`;
}
