import { z } from 'zod';

export const dataBackupShape = z.strictObject({
  file: z.string(),
  bytes: z.number(),
  takenAtMs: z.number().describe('the backup has everything that was written before'),
  files: z.number(),
  warnings: z.array(z.string()).readonly().describe('faults of the data folder that the backup has, too'),
});

export const dataRestoreShape = z.strictObject({
  dir: z.string(),
  takenAtMs: z.number(),
  files: z.number(),
  aside: z.string().nullable().describe('the folder with what was there before'),
});
