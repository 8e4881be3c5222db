import type { Notification, Picture } from '../../core/model/notification.ts';
import type { Channel, Clock, Logger, PictureForm, Secrets } from '../../core/ports.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';

export interface ChannelDeps {
  secrets: Secrets;
  clock: Clock;
  /** Gets a warning when a channel has changed a message or its destination to deliver it. */
  logger?: Pick<Logger, 'warn'>;
}

/** One entry of the registry: everything the project knows about a type of channel. */
export interface ChannelAdapter<Options = unknown> extends AdapterDescriptor<Options> {
  /** How it shows an alert, how to set it up, and the limits that users notice: Markdown, for docs/channels.md. */
  about: string;
  /** Options as users write them, with references for secrets. */
  example: Readonly<Record<string, unknown>>;
  /** Its service takes an alert for ended so long after the last message about it. Absent: it never does. */
  endsAfterMs?(options: Options): number;
  /** How its messages show a picture. */
  shows(options: Options): PictureForm;
  /** What the channel would send, readable: the picture is shown as its number of bytes. Pure. */
  preview(notification: Notification, picture: Picture | undefined, options: Options): string;
  create(options: Options, deps: ChannelDeps): Channel;
}
