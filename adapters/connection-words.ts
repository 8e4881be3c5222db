/** What a code of a failed connection means. The address stands in front of it. */
export function connectionWords(code: string | undefined, port: number): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'the name does not resolve';
    case 'EAI_AGAIN':
      return 'the name cannot be looked up now: DNS does not answer';
    case 'ECONNREFUSED':
      return `nothing listens on port ${port}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    case 'ETIMEDOUT':
      return 'it does not answer';
    case 'ECONNRESET':
      return 'it ended the connection';
    default:
      return code ?? 'the connection failed';
  }
}
