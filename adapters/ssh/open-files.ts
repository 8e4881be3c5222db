const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'too many open files in this process: raise its limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
};
const MAX_CAUSES = 4;

/** The remedy, if the error or one of its causes says that there are too many open files. */
export function explainOpenFiles(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const remedy = REMEDIES[String((current as NodeJS.ErrnoException).code)];
    if (remedy !== undefined) return remedy;
    current = current.cause;
  }
  return undefined;
}
