// The policies of a template as lines for people: `action resource`, with `deny ` before it where it is denied, and `
// if CONDITION` after it where there is a condition.
import { type Resource, resources, type Templates } from './synth.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** The lines of the function with that construct name, sorted, without duplicates. */
export function policyLines(templates: Templates, stage: string): string[] {
  const policies = resources(templates, 'AWS::IAM::Policy').filter(({ id }) =>
    new RegExp(`^${stage}Role`).test(id),
  );
  const lines = policies.flatMap((policy: Resource) =>
    (policy.Properties.PolicyDocument.Statement as Statement[]).flatMap(linesOf),
  );
  return [...new Set(lines)].sort();
}

function linesOf({ Effect, Action, Resource, Condition }: Statement): string[] {
  const deny = Effect === 'Deny' ? 'deny ' : '';
  const condition = Condition === undefined ? '' : ` if ${conditionText(Condition)}`;
  return listOf(Resource).flatMap((resource) =>
    listOf(Action).map((action) => `${deny}${action} ${valueText(resource)}${condition}`),
  );
}

function conditionText(condition: unknown): string {
  return Object.values(condition as Record<string, Record<string, unknown>>)
    .flatMap(Object.entries)
    .map(([key, value]) => `${key} = ${listOf(value).map(valueText).join(', ')}`)
    .join(' and ');
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Shortens an intrinsic function of CloudFormation; leaves hashes of names out. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = ['', '']] = Object.entries(value as Record<string, unknown>);
  switch (name) {
    case 'Ref':
      return `<${String(argument).replace('AWS::', '').replace(HASH, '')}>`;
    case 'Fn::GetAtt':
      return (argument as string[]).map((part) => part.replace(HASH, '')).join('.');
    case 'Fn::ImportValue': {
      const [, id = '', attribute = ''] = EXPORT.exec(String(argument)) ?? [];
      return attribute === '' ? `<${id}>` : `${id}.${attribute}`;
    }
    case 'Fn::Join':
      return (argument as [string, unknown[]])[1].map(valueText).join('');
    default:
      return JSON.stringify(value);
  }
}

const HASH = /[0-9A-F]{8}$/;
const EXPORT = /:ExportsOutput(?:FnGetAtt|Ref)(\w+?)[0-9A-F]{8}(\w*?)[0-9A-F]{8}$/;
