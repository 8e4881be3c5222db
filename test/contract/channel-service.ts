// What the folder of a channel provides for the tests of all channels: TYPE.fixture.ts beside its code, found by the
// name of the type.
import { globSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { basename, resolve } from 'node:path';
import type { MessageLine, MessageStyle } from '../channel-page/message.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type Behaviour = (request: ReceivedRequest, response: ServerResponse) => unknown;

/** A fake of the service, as strict as its documentation, and the options of a channel that uses it. */
export interface ChannelService {
  /** Set when a type has several fixtures, which differ in options. */
  variant?: string;
  /** The options of the type for a service at `baseUrl`; secrets are references `${env:NAME}`. */
  options(baseUrl: string): Readonly<Record<string, unknown>>;
  /** The values of these references. */
  env(baseUrl: string): Readonly<Record<string, string>>;
  /** Values of which no part may appear in an error or a receipt. Default: those of `env`. */
  secrets?(baseUrl: string): readonly string[];
  /** How the service accepts a message. */
  accept: Behaviour;
  /** The deduplication key of a message; absent when the service has none. */
  keyOf?(request: ReceivedRequest): string;
  /** Replaces values that the service creates anew each time, such as ids of files. */
  stable?(text: string): string;
  /** The paths that `verify` requests; none when it only opens a connection. */
  verifies: readonly string[];
  /** Whether the channel reads the answer, or takes every 2xx as accepted. */
  answers: 'read' | 'any 2xx';
  /** Statuses that only the operator can correct, besides 401, 403 and 407. */
  operatorStatuses?: readonly number[];
  /** Links and mentions that readers of this message would see although the notification has none. */
  temptations(request: ReceivedRequest): Promise<readonly string[]> | readonly string[];
  /** How the service refuses a layout, if it does, and whether a request is the plain text after that. */
  layout?: {
    refuse: Behaviour;
    isPlain(request: ReceivedRequest): boolean;
  };
}

export interface ChannelFixture {
  /** The contract suite runs over each of them. */
  services: readonly [ChannelService, ...ChannelService[]];
  /** The body of an answer that means "accepted". */
  acceptedBody: string;
  /** Whether a request contains these values of the first service's references. Default: in its address or headers. */
  carriesSecrets?(request: ReceivedRequest, values: ReadonlyMap<string, string>): boolean;
  /** The service gets alerts, and no text of ours that people read. */
  withoutText?: true;
  /** Whether a late picture follows as a reply. */
  follows: boolean;
  /** Reads a preview as people see the message; absent when programs read it. */
  readPreview?(preview: string): MessageLine[];
  /** The colours of the service, for docs/channels.md. */
  style?: MessageStyle;
}

/** @throws when the folder of the type has no fixture */
export async function channelFixture(type: string): Promise<ChannelFixture> {
  const files = globSync('adapters/channels/*/*.fixture.ts');
  const file = files.find((path) => basename(path) === `${type}.fixture.ts`);
  if (file === undefined)
    throw new Error(`no adapters/channels/*/${type}.fixture.ts that exports \`fixture\``);
  const { fixture } = (await import(resolve(file))) as { fixture: ChannelFixture };
  return fixture;
}
