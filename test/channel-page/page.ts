import { stringify } from 'yaml';
import type { ChannelAdapter } from '../../adapters/channels/channel-adapter.ts';
import { CHANNELS } from '../../adapters/channels/registry.ts';
import { createChartRenderer } from '../../adapters/charts/renderer.ts';
import { sampleMessage } from '../../core/notify/sample.ts';
import { drawMessage } from './drawing.ts';
import { READERS } from './message.ts';

const AT = Date.UTC(2026, 10, 24, 9, 25);
const STATES = ['firing', 'resolved'] as const;
/** For channels that send nothing. */
const NOTHING = {
  secrets: { resolve: async () => '', redact: (text: string) => text },
  clock: { nowMs: () => AT },
};

function wordList(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** Types of channels that show a late picture as a reply. */
const FOLLOWING = wordList(
  (CHANNELS as readonly ChannelAdapter<unknown>[])
    .filter(({ create, options, example }) => create(options.parse(example), NOTHING).follow !== undefined)
    .map(({ type }) => `\`${type}\``),
);

const INTRODUCTION = `# Channels

A channel is one configured destination. Options of every type stand in [configuration.md](configuration.md); the text
and the picture are the same everywhere, as far as the service can show them. \`theme: light\` draws the charts of a
channel on a bright ground.

What holds for all of them:

- One notification has one key, \`incident:number\`. The same content goes out under the same key however often it is tried;
  other content always gets the next one.
- The text waits at most three seconds for its picture, then it goes alone. The picture follows as a reply within a
  minute in channels of type ${FOLLOWING}; for others it is not drawn any more.
  \`bartizan_pictures_total\` counts what became of pictures
  (\`sent\`, \`late\`, \`followed\`, \`failed\`), \`bartizan_pictures_in_vain_total\` those that were drawn and shown to nobody.
- \`up\` draws on threads of their own, one less than the machine has cores: one picture takes about a tenth of a second.
  In a burst those of the newest incidents are drawn first, and no text waits for a picture that would come too late.
  A channel that shows no picture (\`picture: none\`) has none drawn, and its texts wait for none.
- A channel's secrets are resolved when \`up\` starts: a missing one is an error then, not when an alert needs it.
- A channel reads what its service answers: each section says what that is when the service has the message. A web page,
  or an answer that says no, is a failed attempt and is retried. Any other 2xx is unclear: the message is sent once more
  under the same key, then counts as sent, with a warning. \`accepts\` lists answers of your receiver or proxy that mean
  yes, with \`*\` for any text (\`accepts: ["queued*", ""]\`). \`webhook\` takes every 2xx for a yes.
- A message whose layout the service refuses is sent again at once as plain text.
- \`ca\` names the certificate of a private authority, trusted beside those of the system; \`proxy\` a proxy
  (\`http://HOST:PORT\`), which sees addresses of https services only by host and port. Without \`proxy\` messages follow
  \`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\` of the environment; \`check --connect\` looks at webhooks without them.
- \`Retry-After\` is read as seconds, also with a fraction, or as an HTTP date; anything else is ignored.
- Names of nodes, clusters and labels are never links, mentions or commands. Control characters and what is invisible or
  turns the reading direction is taken out of texts from outside.
- An address is masked as a whole wherever it could be printed, with its path, its query and every segment of six or more
  characters, however it is encoded; written into the file rather than as a reference, it is masked all the same.
- Nothing is given up while somebody is owed a message; [delivery.md](delivery.md) says when what is tried again, when the
  \`fallback\` gets it, and what happens when the configuration changes. \`required: false\` says that a channel's failures are
  no illness of ours: \`/healthz\` lists them and stays green.
- A picture that the service refuses does not take the text with it: that is sent again alone.
- A message that its channel refuses for good, or for a day, is an error in the log, counts in
  \`bartizan_deliveries_failed_total\`, and is offered again.

What a message says:

- The first line has the state, the severity, what changed and what stands (\`1 new, 39 firing\`), the title and the place of
  what fires. \`STILL FIRING\`: nothing new fires; a single alert that ended stands in parentheses
  (\`1 resolved (prod / prod-1), 39 firing\`). \`FIRED AND RESOLVED\`: it has ended, and this channel was never sent that it
  fires; among others it counts as \`1 fired and resolved\`. Under the first line stand date, time zone and why it is sent, in
  words: also that a silence ended, or that another channel did not accept it.
- News come first: what this channel has not been sent yet, then what fires, by severity and, of a rule, by value. A message
  that is too long loses alerts from its end, and says how many.
- A rule's \`summary\` is said while its alert breaches. Else a sentence of ours says what holds: that it recovers
  (\`keepFiringFor\` runs) or is still within \`recoveryThreshold\`, that data are missing, how it ended. Why an alert fired or
  ended stands beside the time, where that was not a value: \`fired 18:14:00 as data were missing\`.
- Values are those of the time of sending, read anew for each message and each attempt: window and aggregate as the rule
  sees them. Where the newest is not current (older than five minutes and two intervals of its check) or the store does not
  answer within two seconds, the last known value stands with its time: \`91% at 18:10\`; \`bartizan_values_missing_total\`
  counts the latter. What is not known any more does not count as held. A resolved alert keeps the value that it ended with.
- \`since\` is the first sample that breached, \`fired\` when it had held for the rule's \`for\`, \`resolved … after\` counts from
  \`since\` to the end. \`{{held}}\` counts from \`since\` to the first sample that was good again (\`cleared\`; while it fires:
  \`recovering since\`), or to the last one that is known. Texts and pictures mean the same by these words, and pictures
  count alerts that fire, recover, lack data and have ended apart.
- A place is \`cluster / node\` and the labels that tell it from others by their names: \`prod / prod-1, mount /, device sda\`.
- Of a group over several clusters the picture has the breaching series of all, each with a mark where it fired and a
  hollow one where it ended. Of more than ten the worst are drawn; the legend says how many are not.
- Addresses (\`runbook\`, \`server.publicUrl\`) have 2,000 characters at most, titles 100, summaries 1,000: no service takes
  much more.

Of a message that is sent again under its number, what it says of each alert is equal (which alerts, firing or resolved,
since when); the time of sending, values, whether it recovers or lacks data, and texts made of these are those of the new
attempt.

Try one:

    npx bartizan notify-test ops --dry-run    # what would be sent
    npx bartizan notify-test ops              # a sample alert with a chart
    npx bartizan notify-test ops --resolved

The pictures below are drawn from exactly that: what would be sent of the sample alert, laid out much as the service
does it.
`;

/** docs/channels.md and the pictures it shows, by their path under docs/. */
export async function channelPage(): Promise<{ markdown: string; pictures: Map<string, Uint8Array> }> {
  const renderer = createChartRenderer();
  const pictures = new Map<string, Uint8Array>();
  const sections = [INTRODUCTION];
  for (const adapter of CHANNELS as readonly ChannelAdapter<unknown>[]) {
    const { type, title, about, example } = adapter;
    const read = READERS[type];
    sections.push(`## ${type}\n`, `${about}\n`, yamlOf({ name: 'ops', type, ...example }));
    for (const state of STATES) {
      const { notification, chart } = sampleMessage({
        channel: 'ops',
        resolved: state === 'resolved',
        nowMs: AT,
        timeZone: 'Asia/Seoul',
        theme: 'dark',
      });
      const picture = {
        ...(await renderer.render(chart)),
        url: 'https://bartizan.example.net/charts/AAAA.png',
      };
      const preview = adapter.preview(notification, picture, adapter.options.parse(example));
      const path = `images/channels/${type}-${state}.png`;
      pictures.set(path, read ? await drawMessage(type, read(preview), picture.png) : picture.png);
      if (!read) sections.push(`\`\`\`json\n${preview}\n\`\`\`\n`);
      sections.push(`![${title}: the sample alert, ${state}](${path})\n`);
    }
  }
  return { markdown: sections.join('\n'), pictures };
}

function yamlOf(channel: Record<string, unknown>): string {
  const yaml = stringify({ channels: [channel] }, { defaultStringType: 'PLAIN', lineWidth: 0 });
  return `\`\`\`yaml\n${yaml}\`\`\`\n`;
}
