import { z } from 'zod';

/** The `--json` output of `tunnel`, once it is open. */
export const tunnelShape = z.strictObject({
  pid: z.number().describe('SIGTERM closes the tunnel'),
  local: z
    .strictObject({
      host: z.string().optional(),
      port: z.number().optional(),
      socket: z.string().optional().describe('path'),
    })
    .describe('host and port, or a Unix socket'),
  cluster: z.string(),
  node: z.string(),
  bastion: z.string(),
  via: z.enum(['bastion', 'node']).describe('who connects to the service'),
  host: z.string(),
  port: z.number(),
  tls: z.boolean().describe('whether the service speaks TLS, as far as the configuration or its port shows'),
  curl: z.string().describe('a command line that asks the service'),
});
