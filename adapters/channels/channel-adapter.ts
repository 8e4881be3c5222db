import type { Notification, Picture } from '../../core/notify/model.ts';
import type { Channel, Clock, Logger, PictureForm, Secrets } from '../../core/ports.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';

export interface ChannelDeps {
  secrets: Secrets;
  clock: Clock;
  /** Told of what a channel does on its own to get a message through. */
  logger?: Pick<Logger, 'warn'>;
}

/** What a channel needs of its surroundings, as plain data: for firewalls, secrets stores and permissions. */
export interface ChannelNeeds {
  /** References (`${env:…}`) that are resolved when it sends. */
  secrets: readonly string[];
  /** `host:port`, or undefined where the address is itself a secret. */
  egress: readonly (string | undefined)[];
}

/** One entry of the registry: everything the project knows of a kind of channel. */
export interface ChannelAdapter<Options> extends AdapterDescriptor<Options> {
  /** How it tells an alert, what it takes to set up, and limits people notice: Markdown, for docs/channels.md. */
  about: string;
  /** Options as people write them, secrets as references. */
  example: Readonly<Record<string, unknown>>;
  needs(options: Options): ChannelNeeds;
  /** What of a picture its messages show. */
  shows(options: Options): PictureForm;
  /** What the service would be given, for people to read; the picture's bytes stand as their number. Pure. */
  preview(notification: Notification, picture: Picture | undefined, options: Options): string;
  create(options: Options, deps: ChannelDeps): Channel;
}
