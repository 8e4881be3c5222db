/** An error answer of the service; `type` is the name of an exception of its API. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly type: string;
  readonly status: number;
  /** Further members of the answer. */
  readonly members: Readonly<Record<string, unknown>>;
  constructor(
    type: string,
    message: string,
    options?: { status?: number; members?: Record<string, unknown> },
  ) {
    super(message);
    this.type = type;
    this.status = options?.status ?? 400;
    this.members = options?.members ?? {};
  }
}

export function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
