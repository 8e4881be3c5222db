export interface Asked {
  rawQueryString?: string;
  token?: string;
}

/** A GET to the address of the function history, as Lambda hands it over. */
export function requestEvent(rawPath: string, { rawQueryString = '', token }: Asked = {}): object {
  return {
    rawPath,
    rawQueryString,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    requestContext: {
      domainName: 'history.example.net',
      http: { method: 'GET', path: rawPath, sourceIp: '192.0.2.7' },
    },
  };
}
