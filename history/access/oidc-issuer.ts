// Asks a provider of OpenID Connect who somebody is: authorization code with PKCE, state and nonce.

import type { Configuration, CustomFetch, IDToken } from 'openid-client';
import type { OidcConfig } from '../../core/model/config.ts';
import type { Clock } from '../../core/ports.ts';

/** What a login begins with, and ends with; a browser keeps it meanwhile, sealed. */
export interface LoginProof {
  state: string;
  nonce: string;
  verifier: string;
}

export interface Issuer {
  /** Where a browser goes to log in. @throws when the provider does not answer as one */
  begin(redirectUri: string): Promise<{ address: string; proof: LoginProof }>;
  /** The claims of whoever came back to `address`. @throws when anything is not as it must be */
  end(address: URL, proof: LoginProof): Promise<IDToken>;
}

const TIMEOUT_S = 10;
const MOST_BYTES = 1_048_576;
/** What a provider says of itself is asked anew after so long. Its keys are asked for at each login. */
const METADATA_MS = 60_000;

export interface IssuerOptions {
  clientSecret: string | undefined;
  clock: Clock;
  /** Of one request to the provider. */
  timeoutS?: number;
}

export function createIssuer(
  { issuer, clientId, scopes }: OidcConfig,
  { clientSecret, clock, timeoutS = TIMEOUT_S }: IssuerOptions,
): Issuer {
  let known: { metadata: Promise<import('openid-client').ServerMetadata>; atMs: number } | undefined;

  async function configure(): Promise<{ client: typeof import('openid-client'); config: Configuration }> {
    const client = await import('openid-client');
    const auth = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret);
    const isInsecure = issuer.startsWith('http:');
    const nowMs = clock.nowMs();
    if (!known || Math.abs(nowMs - known.atMs) > METADATA_MS) {
      const metadata = client
        .discovery(new URL(issuer), clientId, undefined, auth, {
          timeout: timeoutS,
          [client.customFetch]: boundedFetch,
          ...(isInsecure && { execute: [client.allowInsecureRequests] }),
        })
        .then((found) => found.serverMetadata());
      known = { metadata, atMs: nowMs };
      metadata.catch(() => {
        known = undefined;
      });
    }
    // Each login has a configuration of its own, so that it sees the keys of now.
    const config = new client.Configuration(await known.metadata, clientId, undefined, auth);
    config.timeout = timeoutS;
    config[client.customFetch] = boundedFetch;
    if (isInsecure) client.allowInsecureRequests(config);
    // Without this, the library trusts the connection in place of the signature.
    client.enableNonRepudiationChecks(config);
    return { client, config };
  }

  return {
    async begin(redirectUri) {
      const { client, config } = await configure();
      const proof = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state: proof.state,
        nonce: proof.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(proof.verifier),
        code_challenge_method: 'S256',
      });
      return { address: address.href, proof };
    },
    async end(address, { state, nonce, verifier }) {
      const { client, config } = await configure();
      const tokens = await client.authorizationCodeGrant(config, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw new Error('the provider sent no ID token');
      return claims;
    },
  };
}

/** An answer has an end, and leads nowhere else. */
const boundedFetch: CustomFetch = async (url, options) => {
  const response = await fetch(url, { ...options, redirect: 'error' } as RequestInit);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`the provider's answer has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
  return new Response(body, { status: response.status, headers: response.headers });
};
