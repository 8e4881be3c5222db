// A provider of OpenID Connect on loopback that is strict about the client and, on request, wrong about the person.

import { createHash, randomBytes } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { listen } from './services.ts';

export const CLIENT = { id: 'bartizan', secret: 'client-secret-of-more-than-32-characters' };

export interface Provider {
  issuer: string;
  /** What its answers are to be like from now on. */
  behave: Behaviour;
  /** Signs with a new key from now on, and shows no other. */
  rotate(): Promise<void>;
  /** What a browser does at the address of a login: somebody logs in, and is sent back to the address that this returns. */
  login(address: string): URL;
  requests: string[];
  close(): Promise<void>;
}

export interface Behaviour {
  claims?: Record<string, unknown>;
  alg?: 'none' | 'HS256' | 'RS256';
  /** Signs with a key that it does not show. */
  otherKey?: boolean;
  /** Seconds from now. */
  expiresInS?: number;
  tokenAnswer?: 'huge' | 'silent' | 'error' | 'without-id-token';
  discovery?: 'huge' | 'silent' | 'other-issuer' | 'redirect';
}

interface Grant {
  nonce: string;
  challenge: string;
  redirectUri: string;
}

export async function startProvider(): Promise<Provider> {
  const grants = new Map<string, Grant>();
  const sockets = new Set<import('node:net').Socket>();
  let keys = await newKeys();
  const other = await newKeys();
  const server = http.createServer((request, response) => {
    provider.requests.push(`${request.method} ${request.url}`);
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server);
  const issuer = `http://127.0.0.1:${port}`;

  const provider: Provider = {
    issuer,
    behave: {},
    requests: [],
    async rotate() {
      keys = await newKeys();
    },
    login(address) {
      const { searchParams, origin, pathname } = new URL(address);
      const asked = (name: string) => searchParams.get(name) ?? '';
      if (`${origin}${pathname}` !== `${issuer}/authorize`)
        throw new Error(`${address} is not the provider's`);
      if (asked('client_id') !== CLIENT.id || asked('response_type') !== 'code')
        throw new Error('wrong client');
      if (asked('code_challenge_method') !== 'S256' || asked('state').length < 32) throw new Error('weak');
      if (!asked('scope').split(' ').includes('openid')) throw new Error('not OpenID');
      const code = randomBytes(16).toString('hex');
      const [nonce, challenge, redirectUri] = ['nonce', 'code_challenge', 'redirect_uri'].map(asked);
      grants.set(code, { nonce: nonce ?? '', challenge: challenge ?? '', redirectUri: redirectUri ?? '' });
      return new URL(`${redirectUri}?code=${code}&state=${asked('state')}`);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { discovery, tokenAnswer } = provider.behave;
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const huge = () => json({ filler: 'x'.repeat(2_000_000) });
    switch (request.url) {
      case '/.well-known/openid-configuration':
        if (discovery === 'silent') return;
        if (discovery === 'huge') return void huge();
        if (discovery === 'redirect') return void response.writeHead(302, { location: '/other' }).end();
        return void json({
          issuer: discovery === 'other-issuer' ? 'https://evil.example' : issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
        });
      case '/jwks':
        return void json({
          keys: [{ ...(await exportJWK(keys.publicKey)), kid: keys.kid, use: 'sig', alg: 'RS256' }],
        });
      case '/token': {
        if (tokenAnswer === 'silent') return;
        if (tokenAnswer === 'huge') return void huge();
        if (tokenAnswer === 'error') return void json({ error: 'invalid_grant' }, 400);
        const form = new URLSearchParams(await textOf(request));
        const code = form.get('code') ?? '';
        const grant = grants.get(code);
        grants.delete(code);
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret)
          return void json({ error: 'invalid_client' }, 401);
        if (!grant || grant.challenge !== challenge || grant.redirectUri !== form.get('redirect_uri'))
          return void json({ error: 'invalid_grant' }, 400);
        const idToken = tokenAnswer === 'without-id-token' ? {} : { id_token: await idTokenOf(grant) };
        return void json({ access_token: 'a', token_type: 'Bearer', expires_in: 60, ...idToken });
      }
      default:
        response.writeHead(404).end();
    }
  }

  async function idTokenOf({ nonce }: Grant): Promise<string> {
    const { claims, alg = 'RS256', otherKey, expiresInS = 300 } = provider.behave;
    const nowS = Math.floor(Date.now() / 1000);
    const payload = {
      ...{ iss: issuer, aud: CLIENT.id, sub: 'u1', nonce, iat: nowS, exp: nowS + expiresInS },
      ...claims,
    };
    if (alg === 'none') return new UnsecuredJWT(payload).encode();
    const { privateKey } = otherKey ? other : keys;
    const key = alg === 'HS256' ? new TextEncoder().encode(CLIENT.secret) : privateKey;
    return await new SignJWT(payload).setProtectedHeader({ alg, kid: keys.kid }).sign(key);
  }

  return provider;
}

async function newKeys(): Promise<{ kid: string; publicKey: CryptoKey; privateKey: CryptoKey }> {
  return { kid: randomBytes(4).toString('hex'), ...(await generateKeyPair('RS256', { extractable: true })) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
