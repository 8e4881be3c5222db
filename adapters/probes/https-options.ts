import { secretSchema } from '../../core/config/secret-text.ts';
import type { Issue } from '../../core/config/whole-check.ts';
import type { NodeHandle, Via } from './probe.ts';
import { caField, serverNameField, serverNameOf } from './service-probe.ts';
import type { TlsOptions } from './tls-connection.ts';

/** Options of a check whose service speaks HTTP or HTTPS; `tls` comes with a description of its own. */
export const httpsFields = {
  servername: serverNameField,
  ca: caField,
  clientCertificate: secretSchema
    .optional()
    .describe(
      'Client certificate (PEM), a reference; with `clientKey` and `ca`. TLS 1.2 shows it, and never its key, to any server that asks for one, before the certificate of that is checked; a server that `ca` does not verify is sent no request',
    ),
  clientKey: secretSchema.optional().describe('Its private key (PEM), a reference'),
};

export const tokenField = secretSchema
  .optional()
  .describe('Bearer token, a reference; with `tls` and `ca`. It is only sent to a server that `ca` verifies');

export interface HttpsOptions {
  via: Via;
  tls: boolean;
  servername?: string | undefined;
  ca?: string | undefined;
  clientCertificate?: string | undefined;
  clientKey?: string | undefined;
  token?: string | undefined;
}

/** As they are written, which may be wrong. */
export type HttpsFields = Partial<Record<keyof HttpsOptions, unknown>>;

/** Credentials that would go out in the clear or to anybody, and options without a meaning. */
export function checkHttpsOptions(options: HttpsFields, issue: Issue): void {
  const { tls, ca, clientCertificate, clientKey } = options;
  if (tls !== true) {
    const names = ['servername', 'ca', 'clientCertificate', 'clientKey', 'token'] as const;
    for (const name of names.filter((one) => options[one] !== undefined))
      issue([name], 'it needs HTTPS; write `tls: true` too', 'tls');
    return;
  }
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    const [there, missing] =
      clientKey === undefined ? ['clientCertificate', 'clientKey'] : ['clientKey', 'clientCertificate'];
    issue([there as string], `\`${missing}\` is missing: both make one credential`, missing);
  }
  if (options.token !== undefined && ca === undefined)
    issue(['token'], 'it is only sent to a server that `ca` verifies; write `ca` too', 'ca');
  if (clientCertificate !== undefined && ca === undefined)
    issue(
      ['clientCertificate'],
      'requests with it only go to a server that `ca` verifies; write `ca` too',
      'ca',
    );
}

/** The part of a request that says how it is protected, and who sends it. */
export function httpsRequest(
  node: NodeHandle,
  options: HttpsOptions,
): { tls?: TlsOptions; headers?: Readonly<Record<string, string>> } {
  const { ca, clientCertificate, clientKey, token } = options;
  if (!options.tls) return {};
  return {
    tls: {
      ...serverNameOf(options, node),
      ...(ca !== undefined && { ca }),
      ...(clientCertificate !== undefined && { cert: clientCertificate }),
      ...(clientKey !== undefined && { key: clientKey }),
      mustVerify: clientCertificate !== undefined || token !== undefined,
    },
    ...(token !== undefined && { headers: { authorization: `Bearer ${token.trim()}` } }),
  };
}
