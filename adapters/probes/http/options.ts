import { z } from 'zod';
import { portSchema } from '../../../core/config/field-schemas.ts';
import { findReferences, REFERENCE_FORMS, secretTextSchema } from '../../../core/config/secret-text.ts';
import { type Issue, wholeCheck } from '../../../core/config/whole-check.ts';
import { headersSchema } from '../../http/headers.ts';
import { patternSchema, valuesSchema } from '../answer-values.ts';
import { checkHttpsOptions, type HttpsFields, httpsFields, tokenField } from '../https-options.ts';
import { viaField } from '../service-probe.ts';

const STATUS = /^[1-5](\d\d|xx)$/;

export const optionsSchema = z
  .strictObject({
    via: viaField('bastion'),
    port: portSchema.describe('Port of the service'),
    tls: z.boolean().default(false).describe('Speak HTTPS'),
    ...httpsFields,
    ca: httpsFields.ca.describe(
      'Certificates (PEM) of the authority that signs for the service, such as `${file:ca.crt}`. With it, a server whose chain or name is wrong is sent nothing, and counts as failing',
    ),
    token: tokenField,
    method: z
      .enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
      .default('GET')
      .describe('Method of the request'),
    path: z
      .string()
      .regex(/^\/[!-~]*$/, { error: 'a path begins with `/` and has no spaces' })
      .default('/')
      .describe('Path and query'),
    headers: headersSchema
      .default({})
      .describe(
        'Further headers; values may be references. One with a secret needs HTTPS with `ca`, or `via: node`',
      ),
    body: secretTextSchema
      .optional()
      .describe('Body of the request; it may hold references, as a header may'),
    status: z
      .array(z.union([z.int().min(100).max(599), z.string().regex(STATUS)]))
      .min(1)
      .default(['2xx'])
      .describe('Expected statuses, such as `[200, "3xx"]`. Nobody follows a redirect: it is an answer')
      .meta({ examples: [['2xx', 401]] }),
    contains: z.string().min(1).optional().describe('Text that the body of the answer must hold'),
    matches: patternSchema
      .optional()
      .describe(
        'Regular expression (RE2) that must match somewhere in the first 16 KiB of the body. RE2 takes time by the length of the body alone, whatever a server sends',
      ),
    values: valuesSchema.describe(
      'Numbers in a JSON answer, by the name that they get as `check_value`: `{ replicas: "$.status.replicas" }`. `true` is 1, `false` 0',
    ),
  })
  .superRefine(...wholeCheck<HttpFields>(checkHttpOptions));

export type HttpProbeOptions = z.output<typeof optionsSchema>;

type HttpFields = HttpsFields &
  Partial<Record<'headers' | 'body' | 'method' | 'contains' | 'matches' | 'values', unknown>>;

/** Names of headers whose value is a secret. */
const SECRET_HEADER =
  /^(proxy-)?authorization$|^cookie$|(^|-)((api|auth|access|secret)-?key|auth|token|secret|password)$/i;
// A text in YAML may have line breaks.
const ONE_LINE = /^[^\p{Cc}]*$/u;

function checkHttpOptions(options: HttpFields, issue: Issue): void {
  checkHttpsOptions(options, issue);
  const { via, tls, ca, headers, body } = options;
  for (const name of ['contains', 'matches'] as const)
    if (options.method === 'HEAD' && options[name] !== undefined)
      issue([name], 'an answer to HEAD has no body; write `method: GET`', 'method');
  if (options.method === 'HEAD' && Object.keys(options.values ?? {}).length > 0)
    issue(['values'], 'an answer to HEAD has no body; write `method: GET`', 'method');
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (SECRET_HEADER.test(name) && !hasReference(value))
      issue(['headers', name], `no secret belongs in this file; write a reference to it, ${REFERENCE_FORMS}`);
    else if (typeof value === 'string' && !ONE_LINE.test(value))
      issue(['headers', name], 'the value of a header is one line');
  }
  const isSafe = tls === true ? ca !== undefined : via === 'node';
  if (isSafe) return;
  const advice = 'it holds a secret, which needs HTTPS with `ca`, or `via: node`';
  for (const [name, value] of Object.entries(headers ?? {}))
    if (hasReference(value)) issue(['headers', name], advice, 'ca');
  if (hasReference(body)) issue(['body'], advice, 'ca');
}

function hasReference(value: unknown): boolean {
  return typeof value === 'string' && findReferences(value).length > 0;
}
