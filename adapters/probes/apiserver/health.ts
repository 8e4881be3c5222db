import type { ProbeError } from '../../ssh/failure.ts';
import type { HttpAnswer } from '../http-client.ts';

/**
 * Sends `GET` for a path, over one connection. A ProbeError: no answer came. `leavesTime`: some of the check's time is kept for
 * one more question. @throws where nothing could be asked
 */
export type Ask = (path: string, options?: { leavesTime: boolean }) => Promise<Answered | ProbeError>;

/** An answer without secrets of ours in its body. */
export interface Answered extends HttpAnswer {
  /** Its beginning, for people. Empty for a server that has our token: it might send back a part of that, however it is spelled. */
  quoted: string;
}

/** `hidden`: it is alive, and shows us no more. `odd`: API servers do not answer so. */
export type Health = 'ok' | 'failing' | 'hidden' | 'odd';

export function healthOf({ status }: Pick<HttpAnswer, 'status'>): Health {
  if (status === 200) return 'ok';
  if (status === 401 || status === 403) return 'hidden';
  return status >= 500 ? 'failing' : 'odd';
}

/** A path that is not shown to us: an AuthenticationConfiguration may open some paths and not others. */
export interface HiddenPath {
  path: string;
  status: number;
}

export function oddNote(path: string, { status, quoted }: Answered): string {
  return `${path} answers ${status}${quoted === '' ? '' : ` ${quoted}`}: is this an API server?`;
}

const CREDENTIAL =
  'or give the check a read-only credential (`token`, or `clientCertificate` and `clientKey`)';

/** What to do so that more is shown: with 401 nobody may ask anonymously, with 403 anonymous requests lack permission. */
export function hiddenNote(hidden: readonly HiddenPath[], hasCredential: boolean): string[] {
  const [first] = hidden;
  if (!first) return [];
  const paths = hidden.map(({ path, status }) => `${path} (${status})`).join(', ');
  const remedy = () => {
    if (hasCredential) {
      return first.status === 401
        ? 'the credential is refused: has it expired?'
        : 'the credential lacks permission: bind its user to the ClusterRole `system:monitoring`';
    }
    return first.status === 401
      ? `let anonymous requests ask /readyz, /livez and /version (\`anonymous.conditions\` of an AuthenticationConfiguration), ${CREDENTIAL}`
      : `bind \`system:unauthenticated\` to the ClusterRole \`system:public-info-viewer\`, ${CREDENTIAL}`;
  };
  return [`alive, and more is hidden from us: ${paths}; ${remedy()}`];
}
