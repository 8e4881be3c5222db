// A line of the audit as a syslog message: https://www.rfc-editor.org/rfc/rfc5424

import type { SyslogConfig, SyslogFacility } from '../model/config.ts';

/** https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1 */
const FACILITIES: Readonly<Record<SyslogFacility, number>> = {
  auth: 4,
  authpriv: 10,
  audit: 13,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};

const SEVERITIES = { alert: 1, error: 3, warning: 4, notice: 5, informational: 6 } as const;
type Severity = keyof typeof SEVERITIES;

/** Receivers should take so many bytes: https://www.rfc-editor.org/rfc/rfc5425#section-4.3.1 */
export const MOST_BYTES = 8_192;
const MOST_HOST_BYTES = 255;
const MOST_ID_BYTES = 32;
const NIL = '-';

/** Fields of a line that are parameters of the structured data, under these names; the message has the whole line. */
const PARAMETERS = [
  'sequence',
  'writer',
  'kind',
  'action',
  'actor',
  'unverifiedActor',
  'bastion',
  'target',
  'command',
  'outcome',
  'hash',
] as const;
/** A longer value is cut there; the message has all of it. */
const MOST_VALUE_CHARACTERS = 256;

type Fields = Readonly<Record<string, unknown>>;

/** The message of a line, without a frame. `hostName` is that of this machine. */
export function syslogMessage(
  line: string,
  fields: Fields,
  { facility, enterprise, hostName }: Pick<SyslogConfig, 'facility' | 'enterprise'> & { hostName: string },
): string {
  const priority = FACILITIES[facility] * 8 + SEVERITIES[severityOf(fields)];
  const header = [
    `<${priority}>1`,
    timestampOf(fields),
    printable(hostName, MOST_HOST_BYTES),
    'bartizan',
    NIL,
    printable(String(fields.kind ?? fields.action ?? fields.event ?? 'access'), MOST_ID_BYTES),
  ].join(' ');
  const parameters = PARAMETERS.filter((name) => fields[name] !== undefined).map(
    (name) => `${name}="${escaped(String(fields[name]))}"`,
  );
  const begin = `${header} [bartizan@${enterprise} ${parameters.join(' ')}`;
  const whole = `${begin}] ${line}`;
  if (Buffer.byteLength(whole) <= MOST_BYTES) return whole;
  return `${begin} tooLong="${Buffer.byteLength(line)}"]`;
}

/** How bad the outcome of an access is for whoever guards the machines, not for the service. */
export function severityOf({ event, outcome }: Fields): Severity {
  if (event === 'chain-started') return 'alert';
  if (event === 'torn-line' || event === 'lines-removed' || outcome === 'tried-again') return 'notice';
  switch (outcome) {
    case 'ok':
    case 'opened':
    case 'host-key-shown':
    case 'answers':
    case undefined:
      return 'informational';
    case 'host-key':
    case 'auth':
      return 'error';
    default:
      return 'warning';
  }
}

/** Milliseconds in UTC, or nothing where the line has no time. */
function timestampOf({ at }: Fields): string {
  const ms = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  return Number.isNaN(ms) ? NIL : new Date(ms).toISOString();
}

/** Visible ASCII: header fields have nothing else. */
function printable(text: string, most: number): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || NIL;
}

/** https://www.rfc-editor.org/rfc/rfc5424#section-6.3.3; control characters are none of it, but receivers split lines at some. */
function escaped(value: string): string {
  const short = [...value.slice(0, 2 * MOST_VALUE_CHARACTERS)].slice(0, MOST_VALUE_CHARACTERS).join('');
  return short
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/["\\\]]/g, '\\$&');
}

/** Octet counting: https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1, https://www.rfc-editor.org/rfc/rfc5425#section-4.3 */
export function framed(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}
