import { z } from 'zod';
import { byteSizeSchema, durationOrNeverSchema } from '../duration.ts';
import { SYSLOG_FACILITIES } from '../model/config.ts';
import { certificatePair } from './certificate-pair.ts';
import { hostSchema, portSchema } from './field-schemas.ts';
import { secretSchema, secretTextSchema } from './secret-text.ts';

const DAY_MS = 24 * 3_600_000;
/** A few rotated files. */
const LEAST_BYTES = 256 * 1024 * 1024;
const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;
const NO_ADDRESS = 'this is no address of a server; write it like `siem.example.net:6514`';

const addressSchema = z.string({ error: () => NO_ADDRESS }).transform((text, context) => {
  const match = ADDRESS.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (!portSchema.safeParse(port).success || !hostSchema.safeParse(host).success) {
    context.addIssue({ code: 'custom', message: NO_ADDRESS, input: text });
    return z.NEVER;
  }
  return { host, port };
});

const tlsSchema = z
  .strictObject({
    ca: secretTextSchema
      .describe(
        'Certificates (PEM) of a private authority, trusted beside those of the system: a reference such as `${file:ca.pem}`',
      )
      .optional(),
    servername: hostSchema.describe('Name in its certificate; by default the host of `address`').optional(),
    clientCertificate: secretSchema.describe('Client certificate (PEM), a reference').optional(),
    clientKey: secretSchema.describe('Its private key (PEM), a reference').optional(),
  })
  .superRefine(...certificatePair);

const syslogSchema = z.strictObject({
  address: addressSchema
    .describe('Host and port of the server, mostly 6514 with `tls`')
    .meta({ examples: ['siem.example.net:6514'] }),
  tls: tlsSchema
    .describe(
      'Speak TLS (RFC 5425); `{}` where the authority is one of the system. Without it the lines go over plain TCP (RFC 6587)',
    )
    .optional(),
  facility: z.enum(SYSLOG_FACILITIES).describe('Facility of each message').default('audit'),
  enterprise: z
    .int()
    .min(1)
    .max(4_294_967_295)
    .describe(
      'Private enterprise number in the name of the structured data; that of the default is the one for examples (RFC 5612)',
    )
    .default(32_473),
});

export const auditSchema = z
  .strictObject({
    keep: durationOrNeverSchema
      .refine((ms) => ms >= DAY_MS, {
        error: 'lines are kept a day at least; write `1d` or longer, or `never`',
      })
      .describe(
        'How long lines are kept, or `never` to remove none by age. Whole files are removed, so some lines stay up to a week longer. On AWS the deployment says it (`-c auditDays=`)',
      )
      .prefault('400d'),
    maxSize: byteSizeSchema
      .refine((bytes) => bytes >= LEAST_BYTES, { error: 'this must be `256MiB` at least' })
      .describe(
        'How much disk the files of one audit may use, compressed ones included; the oldest are removed first',
      )
      .prefault('4GiB'),
    syslog: syslogSchema.describe('Server that gets each line, from `up`').optional(),
  })
  .transform(({ keep, maxSize, syslog }) => ({ keepMs: keep, maxBytes: maxSize, ...(syslog && { syslog }) }));
