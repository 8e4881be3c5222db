import { z } from 'zod';
import { awsError } from '../aws/errors.ts';
import type { InventoryAdapter, SourceEntry } from './inventory-adapter.ts';

const options = z.strictObject({
  path: z
    .string()
    .regex(/^(\/[\w.-]+)+$/, {
      error: 'this is not a path of parameters; write one like `/bartizan/clusters`',
    })
    .describe(
      'Path of the parameters, read with all below. Each is one cluster, JSON or YAML, in the shape of `clusters[]`; 4 KB at most, 8 KB as an advanced parameter. Needs `ssm:GetParametersByPath`',
    ),
});

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html */
const PARAMETERS_A_PAGE = 10;

export const ssm: InventoryAdapter<z.output<typeof options>> = {
  type: 'ssm',
  title: 'Parameters of AWS Systems Manager, one a cluster',
  options,
  open({ path }, { aws = {} }) {
    const name = `ssm ${path}`;
    return {
      name,
      async list() {
        const { paginateGetParametersByPath, SSMClient } = await import('@aws-sdk/client-ssm');
        const client = new SSMClient(aws);
        const input = { Path: path, Recursive: true, WithDecryption: true };
        const entries: SourceEntry[] = [];
        try {
          const pages = paginateGetParametersByPath({ client, pageSize: PARAMETERS_A_PAGE }, input);
          for await (const { Parameters = [] } of pages) {
            for (const { Name = '', Value = '' } of Parameters) entries.push({ id: Name, text: Value });
          }
        } catch (cause) {
          throw awsError(cause, name);
        } finally {
          client.destroy();
        }
        return entries;
      },
    };
  },
};
