import { z } from 'zod';
import { certificatePair } from '../../core/config/certificate-pair.ts';
import { hostSchema, portSchema } from '../../core/config/field-schemas.ts';
import { secretSchema, secretTextSchema } from '../../core/config/secret-text.ts';
import { durationSchema } from '../../core/duration.ts';

/** The longest identifier that PostgreSQL does not cut off. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;
const LEAST_LEASE_MS = 3_000;
const MOST_LEASE_MS = 300_000;
const LEAST_TIMEOUT_MS = 1_000;
const MOST_TIMEOUT_MS = 60_000;

const tlsSchema = z
  .strictObject({
    mode: z
      .enum(['verify', 'off'])
      .describe(
        'With `verify` the connection is encrypted and the certificate of the server is checked; with `off` everything is readable on the way. A Unix socket needs none',
      )
      .default('verify'),
    ca: secretTextSchema
      .describe(
        'Certificates (PEM) of a private authority, trusted beside the public ones: a reference such as `${file:ca.pem}`',
      )
      .optional(),
    servername: hostSchema.describe('Name in its certificate; by default `host`').optional(),
    clientCertificate: secretSchema.describe('Client certificate (PEM), a reference').optional(),
    clientKey: secretSchema.describe('Its private key (PEM), a reference').optional(),
  })
  .superRefine(...certificatePair);

/** Options of state in PostgreSQL, see docs/configuration.md. */
export const postgresOptionsSchema = z.strictObject({
  host: z
    .union([z.string().regex(/^\/[^\0]*$/), hostSchema])
    .describe('Host name or address of the primary, or the folder of its Unix socket')
    .meta({ examples: ['db.example.net', '/run/postgresql'] }),
  port: portSchema.describe('Port').default(5432),
  database: z.string().min(1).describe('Name of the database; its encoding must be UTF8').default('bartizan'),
  schema: z
    .string()
    .regex(SCHEMA, {
      error: 'this is no name of a schema; write lower-case letters, digits and `_`, 63 at most',
    })
    .describe('Schema of the tables, made where it is missing. Processes with one schema share one state')
    .default('bartizan'),
  user: z.string().min(1).describe('User to log in as').default('bartizan'),
  password: secretSchema.describe('Password, a reference').optional(),
  tls: tlsSchema.describe('Encryption of the connection').prefault({}),
  timeout: durationSchema
    .refine((ms) => ms >= LEAST_TIMEOUT_MS && ms <= MOST_TIMEOUT_MS, {
      error: 'this must be between `1s` and `1m`',
    })
    .describe('How long a connection or an answer is waited for')
    .prefault('5s'),
  lease: durationSchema
    .refine((ms) => ms >= LEAST_LEASE_MS && ms <= MOST_LEASE_MS, {
      error: 'this must be between `3s` and `5m`',
    })
    .describe(
      'How long the leader may be silent: then the database ends its session, and a standby takes over. A leader that is killed is replaced within seconds',
    )
    .prefault('10s'),
});

export type PostgresOptions = z.output<typeof postgresOptionsSchema>;
