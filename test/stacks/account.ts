import type { Account } from '../../lib/account.ts';

/** A fake account where everything is in order and nothing is deployed. `some` overrides single answers. */
export function accountWith(some: Partial<Account> = {}): Account {
  return {
    region: async () => 'ap-northeast-2',
    identity: async () => '123456789012',
    bootstrapVersion: async () => 30,
    missingParameters: async () => [],
    remembered: async () => undefined,
    rememberedByData: async () => undefined,
    ownNetwork: async () => undefined,
    deployedBastions: async () => undefined,
    stateTable: async () => undefined,
    upload: async () => undefined,
    concurrency: async () => ({ all: 1000, unreserved: 1000 }),
    timestream: async () => undefined,
    workspaceWindow: async () => 600,
    ...some,
  };
}
