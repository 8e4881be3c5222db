/** The principal may not do this: answered with 403. The message says what it may not, and of whom to ask it. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';
}
