import type { Interface } from 'node:readline/promises';
import type { ScannedKey } from '../adapters/ssh/trust.ts';
import { quoted } from '../core/text/suggestions.ts';

/** How often a question is repeated when its answer is none of the choices. */
const TRIES = 3;

export interface AskOptions {
  /** Accept keys of hosts that have none yet, without showing them. */
  yes?: boolean;
  /** Replace pinned keys by changed ones. */
  replace?: boolean;
  /** The fingerprints that the operator has already compared; their keys are accepted without a question. */
  fingerprints?: ReadonlySet<string>;
}

/**
 * Asks the operator, or decides by the options. After Ctrl-C or Ctrl-D all further answers are no, and keys that were
 * accepted are still written.
 */
export function createAsk(
  { yes = false, replace = false, fingerprints = new Set() }: AskOptions,
  terminal: Pick<Interface, 'on' | 'question'> | undefined,
  print: (text: string) => void,
): (key: ScannedKey) => Promise<boolean> {
  let rest: boolean | undefined = yes ? true : undefined;
  const stop = new AbortController();
  // When the terminal disappears, its stream closes; the question would wait for ever.
  for (const event of ['SIGINT', 'close']) terminal?.on(event, () => stop.abort());

  /** One of the choices in lower case, or `fingerprint` for the key's own fingerprint; `no` for every other answer. */
  async function answerTo(question: string, key: ScannedKey, choices: readonly string[]): Promise<string> {
    const expected = `${choices.map((choice) => `"${choice}"`).join(', ')} or the whole fingerprint`;
    for (let tries = 1; terminal && !stop.signal.aborted; tries++) {
      const text = (await terminal.question(question, { signal: stop.signal }).catch(() => '')).trim();
      const choice = text.toLowerCase();
      if (text === key.fingerprint) return 'fingerprint';
      if (choices.includes(choice)) return choice;
      if (['', 'n', 'no'].includes(choice)) return 'no';
      const why = text.startsWith('SHA256:')
        ? 'is another fingerprint than the host shows'
        : `is not ${expected}`;
      const last = tries === TRIES;
      print(`${quoted(text)} ${why}. ${last ? 'Taken as no.' : 'An empty answer is no.'}\n`);
      if (last) return 'no';
    }
    return 'no';
  }

  async function askToReplace(key: ScannedKey): Promise<boolean> {
    if (!replace) {
      print(`Kept as it was; to accept the new key run \`${commandFor(key, '--replace')}\`.\n\n`);
      return false;
    }
    if (fingerprints.has(key.fingerprint)) return true;
    if (!terminal) {
      print(
        `Not replaced: nobody can be asked here, and --yes is for hosts that have no key yet. Compare the fingerprint on the
host, then name it: \`${commandFor(key, `--replace --fingerprint ${key.fingerprint}`)}\`\n\n`,
      );
      return false;
    }
    const question = 'Replace the pinned key? Write the word "replace" to do so: ';
    const replaces = (await answerTo(question, key, ['replace'])) !== 'no';
    if (!replaces) print('Not replaced; the pinned key stays.\n\n');
    return replaces;
  }

  return async (key) => {
    const is = `${key.what} (${key.address}) shows ${key.type} ${key.fingerprint}`;
    if (key.verdict === 'revoked') {
      print(`\nWARNING: ${is}, which is REVOKED in known_hosts. It is never accepted.\n\n`);
      return false;
    }
    if (key.verdict === 'changed') {
      print(changedText(key, is));
      return key.inConfiguration ? false : askToReplace(key);
    }
    if (rest !== undefined) return rest;
    if (fingerprints.has(key.fingerprint)) return true;
    if (!terminal) {
      print(
        `${is}: not learned, as nobody can be asked here; use --fingerprint ${key.fingerprint}, or --yes\n`,
      );
      return false;
    }
    const answer = await answerTo(`${is}\nTrust it? [y/N/all] `, key, ['y', 'yes', 'all']);
    if (answer === 'all') rest = true;
    if (stop.signal.aborted) rest = false;
    return answer !== 'no';
  };
}

/** Bastions are always scanned, whichever nodes are named. */
function commandFor({ what }: ScannedKey, options: string): string {
  return `bartizan trust ${options}${what.startsWith('bastion ') ? '' : ` ${what}`}`;
}

function changedText(key: ScannedKey, is: string): string {
  const lines = [
    `\nWARNING: the host key of ${key.what} has CHANGED.`,
    is,
    `pinned is ${key.pinned.join(', ')}`,
    'Either the host was rebuilt, or somebody intercepts the connection.',
    ...(key.inConfiguration
      ? [
          'Not replaced: the old key is in the configuration or the inventory. Write there, in its `hostKeys`:',
          key.key,
          '',
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
