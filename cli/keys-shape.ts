import { z } from 'zod';

const list = <T extends z.ZodType>(element: T) => z.array(element).readonly();

/** What `keys --json` prints. */
export const keysShape = z.strictObject({
  bastions: list(
    z.strictObject({
      name: z.string(),
      user: z.string(),
      host: z.string(),
      line: z.string().describe('authorized_keys; the same for bastions with the same host, user and key'),
      sshdConfig: z.string().describe('sshd_config: the block that belongs to the line'),
      nft: z.string().optional().describe('with `--nft`: the rule set of nftables that belongs to the line'),
      missing: list(z.string()).describe('which of these texts is empty, and why'),
    }),
  ),
  clusters: list(
    z.strictObject({
      name: z.string(),
      users: list(z.string()),
      line: z.string().describe('of authorized_keys'),
      scripts: list(z.strictObject({ name: z.string(), sha256: z.string() })).describe(
        'what the line permits: scripts of this release and of the previous one, and those of `commands`',
      ),
      sshdConfig: z
        .string()
        .describe(
          'sshd_config: a block that forbids tunnel devices and, where `forwards` has any, all forwarding but to these; install it before the line',
        ),
      forwards: list(z.string()).describe('`host:port` to which checks connect from the nodes'),
      missing: list(z.string()).describe('what these texts lack, and why'),
      penaltyExemption: z
        .string()
        .describe('comment for the global part of sshd_config; OpenSSH 9.8 and newer: remove its `#`'),
    }),
  ),
});
