import type { Interface } from 'node:readline/promises';
import type { ShownKey } from '../adapters/ssh/trust.ts';

/** Answers for the operator, or asks. Ctrl-C and Ctrl-D are a no to all that follow: what was accepted is still written. */
export function createAsk(
  options: { yes?: boolean; replace?: boolean },
  terminal: Pick<Interface, 'on' | 'question'> | undefined,
  say: (text: string) => void,
): (key: ShownKey) => Promise<boolean> {
  let rest: boolean | undefined = options.yes ? true : undefined;
  const stop = new AbortController();
  // A terminal that goes away is closed; its question would wait for ever.
  for (const event of ['SIGINT', 'close']) terminal?.on(event, () => stop.abort());
  const answer = async (question: string): Promise<string> => {
    if (!terminal || stop.signal.aborted) return '';
    const text = await terminal.question(question, { signal: stop.signal }).catch(() => '');
    return text.trim().toLowerCase();
  };

  return async (key) => {
    const is = `${key.what} (${key.address}) shows ${key.type} ${key.fingerprint}`;
    if (key.verdict === 'revoked') {
      say(`\nWARNING: ${is}, which is REVOKED in known_hosts. It is never accepted.\n\n`);
      return false;
    }
    if (key.verdict === 'changed') {
      say(changedText(key, is));
      if (!options.replace) {
        say('Kept as it was; to accept the new key use --replace.\n\n');
        return false;
      }
      // Never unseen: --yes is for hosts that have no key yet.
      return (await answer('Replace the pinned key? Write "replace": ')) === 'replace';
    }
    if (rest !== undefined) return rest;
    if (terminal === undefined) {
      say(`${is}: not learned, as nobody can be asked here; use --yes\n`);
      return false;
    }
    const said = await answer(`${is}\nTrust it? [y/N/all] `);
    if (said === 'all') rest = true;
    if (stop.signal.aborted) rest = false;
    return said === 'y' || said === 'yes' || said === 'all';
  };
}

function changedText(key: ShownKey, is: string): string {
  const lines = [
    `\nWARNING: the host key of ${key.what} has CHANGED.`,
    is,
    `pinned is ${key.pinned.join(', ')}`,
    'Either the host was built anew, or somebody stands between it and us.',
  ];
  if (key.inConfiguration)
    lines.push(
      'The old key stands in the configuration; remove it there (`hostKeys`), or both are accepted.',
    );
  return `${lines.join('\n')}\n`;
}
