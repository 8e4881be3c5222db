import { isIP } from 'node:net';
import { z } from 'zod';
import { metricsOfProbe } from '../../core/catalogue.ts';
import { portSchema } from '../../core/config/field-schemas.ts';
import { findReferences, secretTextSchema } from '../../core/config/secret-text.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Reading } from '../../core/parse/reading.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';
import { ProbeError } from '../ssh/failure.ts';
import type { Endpoint, Finding, NodeHandle, Probe, Via } from './probe.ts';

/** A probe that asks a service behind the tunnel, and runs nothing on the node. */
export interface ServiceProbe<Options> {
  type: string;
  title: string;
  options: z.ZodType<Options>;
  endpoints(options: Options): readonly Endpoint[];
  observe(
    node: NodeHandle,
    check: { name: string; options: Options; everyMs: number },
    before: unknown,
  ): Promise<Finding>;
}

export function probeOfService<Options>({
  type,
  title,
  options: schema,
  endpoints,
  observe,
}: ServiceProbe<Options>): AdapterDescriptor & Probe {
  // They come from the schema.
  const typed = (options: unknown) => options as Options;
  return {
    type,
    title,
    options: schema,
    metrics: metricsOfProbe(type),
    catalogue: [],
    scriptsFor: () => [],
    endpointsFor: (options) => endpoints(typed(options)),
    logsIn: (options) => endpoints(typed(options)).some(({ via }) => via === 'node'),
    observe: (node, check, before) => observe(node, { ...check, options: typed(check.options) }, before),
  };
}

export const viaField = (byDefault: Via) =>
  z
    .enum(['bastion', 'node'])
    .default(byDefault)
    .describe(
      'Who connects: the bastion to the address of the node, or the node to its loopback. `node` needs a login there and permission to forward ports',
    );

export const portField = (byDefault: number) => portSchema.default(byDefault).describe('Port of the service');

/** As certificates have them. */
export const HOST_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/;

export const serverNameField = z
  .string()
  .min(1)
  .refine((name) => isIP(name) === 0, { error: 'an address is no name; leave it out' })
  .regex(HOST_NAME, { error: 'this is no name of a host; write it without scheme, port and blanks' })
  .optional()
  .describe('Name that is asked for (SNI). By default the `host` of the node if that is a name');

export const caField = secretTextSchema
  .superRefine((text, context) => {
    const message = caProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .meta({ writeOnly: true })
  .optional()
  .describe(
    'Certificates (PEM) of the authority that signs for the service, such as `${file:ca.crt}`. Without it nobody checks the chain',
  );

/** What is wrong with a text that holds no reference. */
function caProblem(text: string): string | undefined {
  if (text.includes('PRIVATE KEY-----'))
    return 'this is a private key itself; write a reference to the certificates of the authority';
  if (findReferences(text).length > 0 || text.includes('-----BEGIN CERTIFICATE-----')) return undefined;
  return 'this is no certificate (PEM); a file is written `${file:ca.crt}`';
}

/** The name to ask for: none where the node has an address only, as an address is no name. */
export function serverNameOf(
  { servername, via }: { servername?: string | undefined; via: Via },
  { target }: NodeHandle,
): { servername?: string } {
  const name = servername ?? (via === 'bastion' && isIP(target.host) === 0 ? target.host : undefined);
  return name === undefined ? {} : { servername: name };
}

const NO_LABELS: Labels = {};

export function reading(metric: string, value: number, labels: Labels = NO_LABELS): Reading {
  return { metric, labels, value };
}

/** Phases that a check comes to when the way to the service is open. */
const AT_SERVICE: ReadonlySet<string> = new Set(['connect', 'tls', 'request']);

/**
 * Why a service did not answer, which is a finding.
 * @throws everything else: what keeps us from asking it, so that the check could not be made
 */
export function serviceFailure(cause: unknown): ProbeError {
  if (!(cause instanceof ProbeError)) throw cause;
  const { phase, reason } = cause.failure;
  if (!AT_SERVICE.has(phase) || reason === 'forbidden' || reason === 'config') throw cause;
  return cause;
}

/** Whether the service spoke to us, and refused: it lacks a certificate of ours, or we do not trust its own. */
export function isRefusal({ failure }: ProbeError): boolean {
  return failure.reason === 'auth';
}

/** The finding that a service did not answer. It holds only if the bastion does, unless somebody answered in its place. */
export function silenceOf(error: ProbeError): Pick<Finding, 'silence'> {
  const { reason } = error.failure;
  return reason === 'timeout' || reason === 'protocol' ? { silence: error } : {};
}
