/** Answered with 400. The message says what is wrong with the request, and what to write. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}
