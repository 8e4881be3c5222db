import ora, { type Ora } from 'ora';

/**
 * Progress on stderr, for somebody who watches. ora runs without end where a terminal says that it has no columns, as
 * those of `expect` and some consoles do.
 */
export function createSpinner(options: { quiet: boolean }): Ora {
  const { stderr } = process;
  const shown = stderr.isTTY === true && stderr.columns > 0 && !options.quiet;
  // Stdin is the operator's: questions are asked there.
  return ora({ stream: stderr, isEnabled: shown, isSilent: !shown, discardStdin: false });
}
