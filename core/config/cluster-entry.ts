import { z } from 'zod';
import type { BastionConfig, ClusterConfig } from '../model/config.ts';
import { choose } from '../text/suggestions.ts';
import { clusterOf } from './assemble.ts';
import { duplicates } from './duplicates.ts';
import { isData, type JsonSchema } from './fields.ts';
import { inspect } from './inspect.ts';
import { describeIssues, NO_TEXT } from './issues.ts';
import { errorAt, type Finding, formatPath } from './problem.ts';
import { clusterSchema } from './schema.ts';
import { readYaml } from './yaml-document.ts';

/** How many problems of one entry its message names. */
const MOST_PROBLEMS = 3;

const SCHEMA = z.toJSONSchema(clusterSchema, { io: 'input' }) as JsonSchema;

/**
 * Reads one cluster from JSON or YAML, and validates it as strictly as an element of `clusters`. `problem` is one line, and holds
 * no secret.
 */
export function parseCluster(
  text: string,
  bastions: readonly BastionConfig[],
): { cluster: ClusterConfig } | { problem: string } {
  const document = readYaml(text);
  const [broken] = document.findings;
  if (broken) return { problem: `not JSON or YAML: ${broken.message}` };
  if (!document.root) return { problem: 'it is empty' };

  const { data } = document;
  const { findings } = inspect(data, SCHEMA);
  const { data: value, error } = clusterSchema.safeParse(data, NO_TEXT);
  const invalid = error ? describeIssues(error.issues, data, SCHEMA) : [];
  const nodes = isData(data) && Array.isArray(data.nodes) ? data.nodes : [];
  const doubled = duplicates(
    nodes.map((raw, i) => ({ path: ['nodes', i], raw, value: undefined })),
    'node of this cluster',
  );
  const errors = [...findings, ...invalid, ...doubled];
  if (errors.length > 0 || !value) {
    const shown = errors.slice(0, MOST_PROBLEMS).map(messageOf).join('; ');
    return { problem: errors.length > MOST_PROBLEMS ? `${shown}; and more` : shown };
  }
  const names = bastions.map(({ name }) => name);
  const unknown = value.bastion.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `there is no bastion \`${unknown}\``;
    return { problem: messageOf(errorAt(['bastion'], message, choose(unknown, names, 'there are'))) };
  }
  return { cluster: clusterOf(value, bastions) };
}

function messageOf({ path, message, suggestion }: Finding): string {
  const at = formatPath(path);
  return `${at ? `${at}: ` : ''}${message}${suggestion ? ` (${suggestion})` : ''}`;
}
