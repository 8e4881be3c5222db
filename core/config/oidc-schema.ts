import { z } from 'zod';
import { describeError } from '../errors.ts';
import { SCOPES } from '../model/token.ts';
import { positiveDurationSchema, urlSchema } from './field-schemas.ts';
import { secretSchema } from './secret-text.ts';
import { checkSelector, parseSelectorMatcher } from './selector.ts';

const LONGEST_SESSION_MS = 8 * 3_600_000;
const MOST_GROUPS = 200;
/** https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const LOOPBACK = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/;

const selectorSchema = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((written) => (typeof written === 'string' ? [written] : written))
  .transform((texts, context) => {
    try {
      const selector = texts.map(parseSelectorMatcher);
      checkSelector(selector);
      return selector;
    } catch (error) {
      context.addIssue({ code: 'custom', message: describeError(error), input: texts });
      return z.NEVER;
    }
  });

/** How people log in to the history service: by any provider of OpenID Connect. */
export const oidcSchema = z
  .strictObject({
    issuer: urlSchema
      .refine((url) => url.startsWith('https:') || LOOPBACK.test(url), {
        error: 'passwords and keys go to this address; write one with https',
      })
      .describe('Address of the provider: the one before `/.well-known/openid-configuration`')
      .meta({ examples: ['https://login.example.net/realms/ops'] }),
    clientId: z
      .string()
      .min(1)
      .describe('Name of this service at the provider')
      .meta({ examples: ['bartizan'] }),
    clientSecret: secretSchema
      .describe('What the provider gave this service to prove itself; absent for a public client')
      .meta({ examples: [`\${file:/etc/bartizan/oidc-secret}`] })
      .optional(),
    scopes: z
      .array(z.string().regex(SCOPE, { error: 'a scope is a word without spaces and quotes' }))
      .describe('What is asked of the provider. Some send groups only where `groups` is among them')
      .meta({ examples: [['openid', 'email', 'groups']] })
      .default(['openid', 'email', 'profile']),
    groupsClaim: z
      .string()
      .min(1)
      .describe(
        'Claim of the ID token that has the groups of a person: a list, or one text, such as `hd` (the domain, at Google)',
      )
      .default('groups'),
    groups: z
      .array(
        z.strictObject({
          group: z
            .string()
            .min(1)
            .describe('As the provider writes it')
            .meta({ examples: ['sre'] }),
          scope: z
            .enum(SCOPES)
            .describe('`read`; `silence`: also add and end silences; `admin`: also read the audit')
            .default('read'),
          selector: selectorSchema
            .describe(
              'The nodes that the group sees, as matchers on `cluster`, `node`, `role` or labels of the inventory; all must match. Absent: all nodes',
            )
            .meta({ examples: ['customer="acme"'] })
            .optional(),
        }),
      )
      .min(1)
      .max(MOST_GROUPS)
      .describe('What each group may do. The first that a person is in counts; nobody else gets in')
      .meta({ examples: [[{ group: 'sre', scope: 'admin' }]] }),
    session: positiveDurationSchema
      .refine((ms) => ms <= LONGEST_SESSION_MS, {
        error: 'a session lasts eight hours at most; write `8h` or less',
      })
      .describe('How long somebody stays logged in')
      .prefault('8h'),
    cookieSecret: secretSchema
      .describe(
        'What sessions are encrypted with, of at least 32 characters; a new one ends all sessions. By default `clientSecret`',
      )
      .meta({ examples: [`\${file:/etc/bartizan/cookie-secret}`] })
      .optional(),
  })
  .superRefine(({ clientSecret, cookieSecret, scopes }, context) => {
    const refuse = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: undefined });
    if (clientSecret === undefined && cookieSecret === undefined)
      refuse([], 'sessions need a secret to be encrypted with; write `clientSecret` or `cookieSecret`');
    if (!scopes.includes('openid')) refuse(['scopes'], 'without `openid` the provider sends no ID token');
  })
  .transform(({ session, ...rest }) => ({ ...rest, sessionMs: session }));
