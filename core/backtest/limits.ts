/** The backtest would read more samples than its caller allows. */
export class BacktestTooLargeError extends Error {
  override readonly name = 'BacktestTooLargeError';
  constructor(mostSamples: number) {
    super(
      `the backtest reads more than ${mostSamples} samples: ask for a shorter range, for fewer rules, or narrow \`where\` of the rules`,
    );
  }
}
