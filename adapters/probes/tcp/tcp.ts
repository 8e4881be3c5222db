import { z } from 'zod';
import { portSchema } from '../../../core/config/field-schemas.ts';
import { ProbeError } from '../../ssh/failure.ts';
import type { Finding, NodeHandle } from '../probe.ts';
import { probeOfService, reading, serviceFailure, silenceOf, viaField } from '../service-probe.ts';

const optionsSchema = z.strictObject({
  via: viaField('bastion'),
  port: portSchema.describe('Port that must accept connections'),
});

type TcpOptions = z.output<typeof optionsSchema>;

/** Opens a connection and closes it, without a byte. */
export const tcp = probeOfService<TcpOptions>({
  type: 'tcp',
  title: 'TCP: whether a port accepts connections',
  options: optionsSchema,
  endpoints: ({ via, port }) => [{ via, port }],
  observe,
});

async function observe(
  node: NodeHandle,
  { name, options: { via, port } }: { name: string; options: TcpOptions },
): Promise<Finding> {
  const labels = { check: name };
  const tunnel = await node.dial({ via, port }).catch(serviceFailure);
  if (tunnel instanceof ProbeError) {
    const readings = [reading('tcp_up', 0, labels)];
    return { readings, notes: [tunnel.message], isPartial: true, ...silenceOf(tunnel) };
  }
  tunnel.allow(0);
  tunnel.stream.on('error', () => {}).destroy();
  return {
    readings: [reading('tcp_up', 1, labels), reading('tcp_duration', tunnel.dialMs / 1000, labels)],
    notes: [],
  };
}
