import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { createSecrets } from './secrets.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.stop());

it('a secure string is read decrypted, an older version by its number, a missing one by its name', async () => {
  const ssm = new SSMClient(emulator.client);
  const Name = `/bartizan-${process.pid}-${Date.now()}/token`;
  for (const Value of ['first-value', 'second-value']) {
    await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
  }
  ssm.destroy();
  const secrets = createSecrets({ baseDir: '/', aws: emulator.client });
  expect(await secrets.resolve(`Bearer \${ssm:${Name}}`)).toBe('Bearer second-value');
  expect(await secrets.resolve(`\${ssm:${Name}:1}`)).toBe('first-value');
  const missing = secrets.resolve(`\${ssm:${Name}/none}`);
  await expect(missing).rejects.toThrow(
    new ConfigError(`\${ssm:${Name}/none}: there is no such parameter in this region and account`),
  );
});
