import { z } from 'zod';
import { secretSchema } from '../../core/config/secret-text.ts';
import { wholeCheck } from '../../core/config/whole-check.ts';
import type { Secrets } from '../../core/ports.ts';
import { headersSchema } from './headers.ts';

/** Options of adapters that log in to a service as Prometheus does; `oneLogin` checks that there is one way. */
export const loginFields = {
  bearerToken: secretSchema.describe('Sent as `Authorization: Bearer`').optional(),
  basicAuth: z
    .strictObject({
      username: z.string().min(1).describe('User name'),
      password: secretSchema.describe('Password, a reference'),
    })
    .describe('Sent as `Authorization: Basic`')
    .optional(),
  headers: headersSchema
    .default({})
    .describe('Further headers, such as `X-Scope-OrgID`; values may be references'),
};

export interface LoginOptions {
  bearerToken?: string | undefined;
  basicAuth?: { username: string; password: string } | undefined;
  headers: Readonly<Record<string, string>>;
}

/** For `superRefine`. */
export const oneLogin = wholeCheck<{ bearerToken?: unknown; basicAuth?: unknown; sigv4?: unknown }>(
  (options, issue) => {
    const ways = (['bearerToken', 'basicAuth', 'sigv4'] as const).filter((way) => options[way] !== undefined);
    const [first, second] = ways;
    if (second !== undefined) issue([second], `there is \`${first}\` already; write one way to log in`);
  },
);

/** The headers of these options, with their secrets. */
export async function loginHeaders(
  { bearerToken, basicAuth, headers: further }: LoginOptions,
  secrets: Pick<Secrets, 'resolve' | 'hide'>,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(further)) headers[name] = await secrets.resolve(value);
  if (bearerToken !== undefined) headers.authorization = `Bearer ${await secrets.resolve(bearerToken)}`;
  if (basicAuth) {
    const login = `${basicAuth.username}:${await secrets.resolve(basicAuth.password)}`;
    secrets.hide?.(login);
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  }
  return headers;
}
