import { z } from 'zod';

const traffic = z.strictObject({ sentBytes: z.number(), receivedBytes: z.number() });
/** What a run of a check costs, in the output of `probe --cost --json`. */
export const costShape = z.strictObject({
  cluster: z.string(),
  node: z.string(),
  check: z.string().optional().describe('absent: a login'),
  runs: z.number().describe('the figures are means of so many'),
  ownCpuMs: z.number().describe('CPU of this process'),
  nodeCpu: z.strictObject({
    sshdMs: z.number().optional().describe('CPU of the sshd processes of our session'),
    commandsMs: z.number().optional().describe('CPU of what they ran, give or take 2 ms'),
    atLeast: z.boolean().optional().describe('`sshdMs` is a lower bound'),
    unknown: z.string().optional().describe('why both are unknown'),
  }),
  tunnels: traffic.describe('through the bastion, to and from the node'),
  wire: traffic.describe('between us and the bastion'),
});
