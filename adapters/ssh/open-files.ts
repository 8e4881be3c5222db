const WORDS: Readonly<Record<string, string>> = {
  EMFILE: 'too many open files in this process: raise its limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
};
const MAX_CAUSES = 4;

/** What to do about it, if that is what is wrong: the error or one of its causes says so. */
export function explainOpenFiles(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const words = WORDS[String((current as NodeJS.ErrnoException).code)];
    if (words !== undefined) return words;
    current = current.cause;
  }
  return undefined;
}
