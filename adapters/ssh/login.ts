import type { Client } from 'ssh2';

/** What a server sent during a login and ssh2 1.17 does not report by events. */
export interface Login {
  /** The server accepts our key; it may still refuse the account. */
  keyAccepted: boolean;
  authenticating: boolean;
  /** Methods that can continue; undefined before a failure. */
  methods: readonly string[] | undefined;
  /** Partial success: the key was accepted, and one of `methods` must follow. */
  wantsMore: boolean;
  /** USERAUTH_BANNER: the first one, which is the same for all users, or the last after our key was accepted. */
  banner: string;
  /** SSH_MSG_DISCONNECT, RFC 4253, 11.1 */
  disconnect: { code: number; text: string } | undefined;
}

type Handler = (protocol: unknown, ...values: never[]) => void;
interface Internals {
  _protocol: { _handlers: Record<string, Handler> };
}

const BANNER_CHARACTERS = 2_000;

/**
 * Watches the messages of a login. Call it after `client.connect`. ssh2 has no event for a partial success with an agent,
 * for an accepted key, or for a disconnect with code 11.
 */
export function watchLogin(client: Client): Login {
  const login: Login = {
    keyAccepted: false,
    authenticating: false,
    methods: undefined,
    wantsMore: false,
    banner: '',
    disconnect: undefined,
  };
  const handlers = (client as unknown as Internals)._protocol._handlers;
  const before = (name: string, read: (...values: never[]) => void) => {
    const handle = handlers[name];
    handlers[name] = (protocol, ...values) => {
      read(...values);
      handle?.(protocol, ...values);
    };
  };
  before('SERVICE_ACCEPT', () => {
    login.authenticating = true;
  });
  before('USERAUTH_PK_OK', () => {
    login.keyAccepted = true;
    login.banner = '';
  });
  before('USERAUTH_FAILURE', (methods: readonly string[], partialSuccess: boolean) => {
    login.methods = methods;
    if (partialSuccess) login.wantsMore = true;
  });
  before('USERAUTH_BANNER', (text: string) => {
    if (login.keyAccepted || login.banner === '') login.banner = text.slice(0, BANNER_CHARACTERS);
  });
  before('DISCONNECT', (code: number, text: string) => {
    login.disconnect = { code, text: text.slice(0, BANNER_CHARACTERS) };
  });
  return login;
}
