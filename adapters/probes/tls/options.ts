import { isIP } from 'node:net';
import { z } from 'zod';
import { portSchema } from '../../../core/config/field-schemas.ts';
import { caField, HOST_NAME, serverNameField, viaField } from '../service-probe.ts';

/** API server, etcd for clients and for members, kubelet, controller manager, scheduler, RKE2's supervisor. */
export const CONTROL_PLANE_PORTS: readonly number[] = [6443, 2379, 2380, 10250, 10257, 10259, 9345];
const MOST_PORTS = 16;
const MOST_NAMES = 16;

export const optionsSchema = z.strictObject({
  via: viaField('bastion'),
  ports: z
    .array(portSchema)
    .min(1)
    .max(MOST_PORTS)
    .optional()
    .describe(
      `Ports whose certificate is read. By default ${CONTROL_PLANE_PORTS.join(', ')}, of which a node has only some: one that does not answer is then a note, and not down. etcd and kubelet log each of these handshakes as an error`,
    ),
  servername: serverNameField,
  names: z
    .array(
      z.string().refine((name) => isIP(name) !== 0 || HOST_NAME.test(name.replace(/^\*\./, '')), {
        error: 'this is no name and no address; write it without scheme, port and blanks',
      }),
    )
    .min(1)
    .max(MOST_NAMES)
    .optional()
    .describe(
      'Names and addresses that each certificate must be for. By default the `servername`, if there is one',
    ),
  ca: caField.describe(
    'Certificates (PEM) of the authority that the chain must lead to, such as `${file:ca.crt}`. The time until it expires counts too. Without it nobody checks the chain',
  ),
});

export type TlsProbeOptions = z.output<typeof optionsSchema>;

export function portsOf({ ports }: TlsProbeOptions): number[] {
  return [...new Set(ports ?? CONTROL_PLANE_PORTS)];
}
