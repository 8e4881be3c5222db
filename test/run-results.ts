/** What a run with CI set prints at its end, and whether it counts as passed. */
export interface Verdict {
  text: string;
  passed: boolean;
}

/** How vitest ended. */
interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * @param json the results that vitest wrote, or undefined where it ended before
 * @param needed suites that were left out although nothing replaces them
 */
export function ciVerdict(json: string | undefined, ended: Ended, needed: number): Verdict {
  const results = parsed(json);
  if (!results) {
    const how = ended.signal ?? `exit code ${ended.status}`;
    return { text: `vitest ended (${how}) before it wrote its results: nothing is counted\n`, passed: false };
  }
  const skipped = (results.numPendingTests ?? 0) + (results.numTodoTests ?? 0);
  const passed = results.numPassedTests ?? 0;
  const lines = [
    needed > 0 ? `${needed} suites were left out: that is not allowed here` : '',
    skipped > 0 ? `${skipped} tests were skipped: that is not allowed here` : '',
    `${passed} passed, ${results.numFailedTests ?? 0} failed`,
  ];
  return {
    text: lines.map((line) => (line === '' ? '' : `${line}\n`)).join(''),
    passed: needed === 0 && skipped === 0 && (results.numFailedTestSuites ?? 0) === 0 && passed > 0,
  };
}

/** Undefined for a file that is cut off, too. */
function parsed(json: string | undefined): Readonly<Record<string, number>> | undefined {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
