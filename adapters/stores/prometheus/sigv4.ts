import type { Clock } from '../../../core/ports.ts';
import type { AwsClient } from '../../aws/client.ts';

type AwsCredentialIdentity = NonNullable<AwsClient['credentials']>;

export interface SignedRequest {
  /** Default: POST. */
  method?: 'GET';
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/**
 * Signs requests as Amazon Managed Prometheus wants them
 * (https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-APIReference.html), with the credentials that the
 * process has. Returns the headers to send.
 */
export function signer(
  { region, service }: { region: string; service: string },
  clock: Clock,
  credentials?: AwsCredentialIdentity,
): (request: SignedRequest) => Promise<Record<string, string>> {
  const loading = (async () => {
    const [{ SignatureV4 }, { Sha256 }, { defaultProvider }] = await Promise.all([
      import('@smithy/signature-v4'),
      import('@aws-crypto/sha256-js'),
      import('@aws-sdk/credential-provider-node'),
    ]);
    return new SignatureV4({
      region,
      service,
      sha256: Sha256,
      credentials: credentials ?? defaultProvider(),
    });
  })();
  return async ({ method = 'POST', url, headers, body }) => {
    const { protocol, hostname, port, host, pathname } = new URL(url);
    const signed = await (await loading).sign(
      {
        method,
        protocol,
        hostname,
        ...(port && { port: Number(port) }),
        path: pathname,
        headers: { ...headers, host },
        body,
      },
      { signingDate: new Date(clock.nowMs()) },
    );
    return signed.headers;
  };
}
