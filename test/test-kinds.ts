// Registries for tests of the configuration, so that they do not depend on what adapters exist.
import { z } from 'zod';
import type { AdapterKinds } from '../registry.ts';
import { secretSchema, secretTextSchema } from './secret-text.ts';

export const TEST_KINDS: AdapterKinds = {
  probes: [
    {
      type: 'usage',
      title: 'Usage',
      options: z.strictObject({ top: z.int().min(1).describe('How many').default(5) }),
    },
  ],
  channels: [
    {
      type: 'webhook',
      title: 'Webhook',
      options: z.strictObject({
        url: secretTextSchema.describe('Address'),
        secret: secretSchema.describe('Signs').optional(),
        picture: z.enum(['url', 'inline', 'none']).describe('Picture').default('url'),
        headers: z.record(z.string(), secretTextSchema).describe('Headers').default({}),
      }),
    },
    {
      type: 'mail',
      title: 'Mail',
      options: z.strictObject({ to: z.array(z.string()).min(1).describe('Who') }),
    },
  ],
  stores: [{ type: 'sqlite', title: 'SQLite', options: z.strictObject({}) }],
};
