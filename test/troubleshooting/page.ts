import { FILES, START } from './machine-cases.ts';
import type { Scene } from './scene.ts';
import type { Section } from './section.ts';
import { SERVERS } from './server-cases.ts';

/** In the order in which a new operator meets them. */
export const SECTIONS: readonly Section[] = [...FILES, ...SERVERS, ...START];

const INTRODUCTION = `<!-- Generated from test/troubleshooting/, which produces each message by the code that users run. To change it, change that,
     then \`npm run generate\`. -->

# Troubleshooting

This page lists the errors that a new operator meets first, each with its cause and its cure, in the order in which they come. Search it
for a part of your message. Names, ports, times and fingerprints are examples. Most commands say the cure themselves: \`bartizan check\` below the line
with the error, \`bartizan check --connect\` below its table. Faults of a running \`up\` are in [runbook.md](runbook.md), by the code that
\`/healthz\` shows, and each default rule has a page there. [host-keys.md](host-keys.md), [keys.md](keys.md) and [ssh.md](ssh.md) go deeper.
`;

/** A message, as it is on any machine. */
function stable(text: string, { dir }: Scene): string {
  const port = text.includes('EADDRINUSE') ? 9470 : text.includes('answered 401') ? 443 : 22;
  return text
    .replaceAll(dir, '/etc/bartizan')
    .replace(/SHA256:[A-Za-z0-9+/]{43}/g, 'SHA256:…')
    .replace(/127\.0\.0\.1:\d{4,5}\b/g, `127.0.0.1:${port}`)
    .replace(/in \d+ ms/g, 'in 40 ms')
    .replace(/(default rules `[^`]+`, `[^`]+`).*$/m, '$1 …')
    .replace(/: error:[0-9A-F]{8}:.*$/, '');
}

/** Each case with its message. */
export async function messagesOf(scene: Scene): Promise<{ what: string; message: string }[]> {
  const found: { what: string; message: string }[] = [];
  for (const { cases } of SECTIONS)
    for (const { what, message } of cases) found.push({ what, message: stable(await message(scene), scene) });
  return found;
}

export async function troubleshootingPage(scene: Scene): Promise<string> {
  const messages = new Map((await messagesOf(scene)).map(({ what, message }) => [what, message]));
  const sections = SECTIONS.map(({ title, about, cases }) => {
    const texts = cases.map(({ what, cause, cure }) => {
      const block = (messages.get(what) ?? '')
        .split('\n')
        .map((line) => (line === '' ? '' : `    ${line}`))
        .join('\n');
      return `### ${what}\n\n${block}\n\n${cause}\n\n**Cure:** ${cure}\n`;
    });
    return `## ${title}\n\n${about}\n\n${texts.join('\n')}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}
