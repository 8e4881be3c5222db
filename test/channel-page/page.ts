import { stringify } from 'yaml';
import { CHANNELS } from '../../adapters/channels/registry.ts';
import { createChartRenderer } from '../../adapters/charts/renderer.ts';
import { sampleMessage } from '../../core/chart/sample-message.ts';
import { channelFixture } from '../contract/channel-service.ts';
import { drawMessage } from './drawing.ts';

const AT = Date.UTC(2026, 10, 24, 9, 25);
const STATES = ['firing', 'resolved'] as const;
/** For channels that send nothing. */
const NOTHING = {
  secrets: { resolve: async () => '', redact: (text: string) => text },
  clock: { nowMs: () => AT },
};

function listText(items: readonly string[]): string {
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** The types of channels that show a late picture as a reply. */
const FOLLOWING = listText(
  CHANNELS.filter(
    ({ create, options, example }) => create(options.parse(example), NOTHING).follow !== undefined,
  ).map(({ type }) => `\`${type}\``),
);

const INTRODUCTION = `# Channels

A channel is one configured destination. [configuration.md](configuration.md) lists the options of every type. The text and the
picture are the same everywhere, as far as the service can show them. \`theme: light\` draws the charts of a channel on a
bright background.

These rules hold for all channels:

- A notification has one key, \`incident:number\`. Every attempt to send the same content has the same key; other content
  always gets the next one.
- The text waits at most three seconds for its picture, then Bartizan sends it alone. The picture follows as a reply within a
  minute in channels of type ${FOLLOWING}; for other types it is dropped.
  \`bartizan_pictures_total\` counts pictures by their outcome
  (\`sent\`, \`late\`, \`followed\`, \`failed\`), \`bartizan_pictures_in_vain_total\` pictures that were drawn and shown to nobody.
- \`up\` draws on its own threads, one fewer than the machine has cores. A picture takes about a tenth of a second. In a burst
  \`up\` draws the pictures of the newest incidents first, and no text waits for a picture that would come too late. For a
  channel without pictures (\`picture: none\`) it draws none.
- \`up\` resolves a channel's secrets when it starts: a missing secret fails the start, not the first alert.
- A channel reads the answer of its service; each section below says which answer means "accepted". A web page, or an answer
  that says no, is a failed attempt, which Bartizan retries. Any other 2xx is unclear: Bartizan sends the message once more under
  the same key, then counts it as sent, with a warning. \`accepts\` lists further answers of your receiver or proxy that mean
  yes, with \`*\` for any text (\`accepts: ["queued*", ""]\`). \`webhook\` and \`alertmanager\` take every 2xx for a yes.
- When the service refuses the layout of a message, Bartizan sends it again at once as plain text.
- \`ca\` names the certificate of a private authority, trusted beside those of the system; \`proxy\` a proxy
  (\`http://HOST:PORT\`), which sees addresses of https services only by host and port. Without \`proxy\` messages follow
  \`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\` of the environment; \`check --connect\` tests webhooks without them.
- Bartizan reads \`Retry-After\` as seconds, also with a fraction, or as an HTTP date, and ignores anything else.
- Names of nodes, clusters and labels are never links, mentions or commands. Bartizan removes control characters, and
  characters that are invisible or change the reading direction, from texts that come from outside.
- Bartizan masks the address of a channel wherever it could be printed: the whole address, its path, its query and every segment
  of six or more characters, however they are encoded, and also when the file holds the address itself and no reference.
- Bartizan gives up no message while a channel has not accepted its news; [delivery.md](delivery.md) says when it tries again, when
  the \`fallback\` gets the message, and what happens when the configuration changes. With \`required: false\` a channel's failures do
  not make us unhealthy: \`/healthz\` lists them and stays green.
- When the service refuses a picture, Bartizan sends the text again without it.
- When a channel refuses a message for good, or for a day, Bartizan logs an error, counts it in
  \`bartizan_deliveries_failed_total\`, and offers the message again.

The text of a message:

- The first line has the state, the severity, what changed and what is unchanged (\`1 new, 39 firing\`), the title, and the
  labels of the firing alert. \`STILL FIRING\` means that nothing new fires; a single alert that ended stands in parentheses
  (\`1 resolved (prod / prod-1), 39 firing\`). \`FIRED AND RESOLVED\` means that the alert has ended before this channel was sent
  that it fires; among others it counts as \`1 fired and resolved\`. The second line has the date, the time zone and the reason for
  sending, for example that a silence ended, or that another channel did not accept the message.
- News that this channel has not been sent yet come first, then firing alerts, by severity and, within a rule, by value. A message
  that is too long leaves out alerts from its end, and says how many.
- A message shows a rule's \`summary\` while its alert breaches. Otherwise a sentence of ours says what holds: that it recovers
  (\`keepFiringFor\` runs) or is still within \`recoveryThreshold\`, that data are missing, how it ended. Why an alert fired or
  ended stands beside the time, where that was not a value: \`fired 18:14:00 as data were missing\`.
- Values are those of the time of sending, read anew for each message and each attempt: ratio, window and aggregate as the
  rule sees them; what is a forecast is called one. Where the newest is not current (older than five minutes and two intervals of its check) or the store does not
  answer within two seconds, the last known value stands with its time: \`91% at 18:10\`; \`bartizan_values_missing_total\`
  counts the latter. What is not known any more does not count as held. A resolved alert keeps the value that it ended with.
- \`since\` is the first sample that breached, \`fired\` when it had held for the rule's \`for\`, \`resolved … after\` counts from
  \`since\` to the end. \`{{held}}\` counts from \`since\` to the first sample that was good again (\`cleared\`; while it fires:
  \`recovering since\`), or to the last one that is known. Texts and pictures mean the same by these words, and pictures
  count alerts that fire, recover, lack data and have ended apart.
- An alert is named by \`cluster / node\` and the labels that distinguish it, with their names: \`prod / prod-1, mount /, device sda\`.
- For a group over several clusters the picture shows the breaching series of all, each with a mark where it fired and a
  hollow mark where it ended. It draws the worst ten; the legend says how many are missing.
- Addresses (\`runbook\`, \`server.publicUrl\`) have 2,000 characters at most, titles 100, summaries 1,000: no service takes
  much more.

A message that is sent again under its number says the same about each alert (which alerts, firing or resolved, since when). The
time of sending, the values, whether an alert recovers or lacks data, and the texts made of these are those of the new attempt.

Try one:

    bartizan notify-test ops --dry-run    # what would be sent
    bartizan notify-test ops              # a sample alert with a chart
    bartizan notify-test ops --resolved

The pictures below show what would be sent for the sample alert, laid out much as the service does it.
`;

/** docs/channels.md and its pictures, by their path under docs/. */
export async function channelPage(): Promise<{ markdown: string; pictures: Map<string, Uint8Array> }> {
  const renderer = createChartRenderer();
  const pictures = new Map<string, Uint8Array>();
  const sections = [INTRODUCTION];
  for (const adapter of CHANNELS) {
    const { type, title, about, example } = adapter;
    const { readPreview, style } = await channelFixture(type);
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
      if (!readPreview) sections.push(`\`\`\`json\n${preview}\n\`\`\`\n`);
      if (adapter.shows(adapter.options.parse(example)) === 'none') continue;
      const path = `images/channels/${type}-${state}.png`;
      pictures.set(
        path,
        readPreview ? await drawMessage(readPreview(preview), picture.png, style) : picture.png,
      );
      sections.push(`![${title}: the sample alert, ${state}](${path})\n`);
    }
  }
  return { markdown: sections.join('\n'), pictures };
}

function yamlOf(channel: Record<string, unknown>): string {
  const yaml = stringify({ channels: [channel] }, { defaultStringType: 'PLAIN', lineWidth: 0 });
  return `\`\`\`yaml\n${yaml}\`\`\`\n`;
}
