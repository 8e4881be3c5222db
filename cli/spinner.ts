import ora, { type Ora } from 'ora';

/**
 * Shows progress on stderr to people. ora runs for ever when a terminal reports no columns, as those of `expect` and
 * some consoles do.
 */
export function createSpinner(options: { quiet: boolean }): Ora {
  const { stderr } = process;
  const shown = stderr.isTTY === true && stderr.columns > 0 && !options.quiet;
  // The operator answers questions on stdin, so the spinner must not read it.
  return ora({ stream: stderr, isEnabled: shown, isSilent: !shown, discardStdin: false });
}
