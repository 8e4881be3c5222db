import { z } from 'zod';

/** The kinds of references. `adapters/secrets/` has one source for each. */
export const REFERENCE_KINDS = ['env', 'file', 'credential', 'ssm'] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

/** `${env:NAME}`, `${file:path}`, `${credential:NAME}` or `${ssm:/path}` inside a text. */
export interface Reference {
  kind: string;
  name: string;
  /** As written; safe to print. */
  text: string;
  index: number;
}

/** The forms of references, for messages. */
export const REFERENCE_FORMS = `\`\${env:NAME}\`, \`\${file:path}\`, \`\${credential:NAME}\` or \`\${ssm:/path}\``;

const REFERENCE = /\$\{([A-Za-z][\w-]*):([^{}]*)\}/g;
const ONE_REFERENCE = /^\$\{[A-Za-z][\w-]*:[^{}]+\}$/;

/** The references of a text in order, also of unknown kinds. */
export function findReferences(text: string): Reference[] {
  return [...text.matchAll(REFERENCE)].map((match) => ({
    kind: match[1] ?? '',
    name: match[2] ?? '',
    text: match[0],
    index: match.index,
  }));
}

/** A path from the root, or a name alone. A colon separates a version or label. */
const SSM_NAME = /^(\/[\w.-]+)+(:[\w.-]+)?$|^[\w.-]+(:[\w.-]+)?$/;
/** A file name: systemd allows no more either. https://www.freedesktop.org/software/systemd/man/252/systemd.exec.html */
const CREDENTIAL_NAME = /^(?!\.{1,2}$)[\w.@:-]{1,255}$/;
const NAMED: Readonly<Record<ReferenceKind, string>> = {
  env: 'variable',
  file: 'file',
  credential: 'credential',
  ssm: 'parameter',
};

/** What is wrong with the form of a reference's name. */
export function nameProblem({ kind, name }: Pick<Reference, 'kind' | 'name'>): string | undefined {
  if (!isReferenceKind(kind)) return undefined;
  if (name.trim() === '') return `the reference names no ${NAMED[kind]}`;
  if (kind === 'credential' && !CREDENTIAL_NAME.test(name))
    return 'the reference names no credential: letters, digits, `.`, `-`, `_`, `@` and `:`, without a folder';
  if (kind !== 'ssm' || (SSM_NAME.test(name) && name.length <= 1011)) return undefined;
  return 'the reference names no parameter: letters, digits, `.`, `-`, `_`, and `/` between them';
}

/** Whether there is a source for references of that kind. */
export function isReferenceKind(kind: string): kind is ReferenceKind {
  return (REFERENCE_KINDS as readonly string[]).includes(kind);
}

const literalSecret = (input: unknown): string => {
  if (typeof input === 'string' && input.includes('-----BEGIN')) {
    return `this is a private key itself; write a reference to it, ${REFERENCE_FORMS}`;
  }
  return `no secret belongs in this file; write a reference to it, ${REFERENCE_FORMS}`;
};

/** A secret (a key, a token): one reference and nothing else. Errors never show the value. */
export const secretSchema = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : literalSecret(issue.input)) })
  .regex(ONE_REFERENCE, { error: (issue) => literalSecret(issue.input) })
  .meta({ writeOnly: true });

/** A text that may contain references, such as an address with a token. Errors never show it. */
export const secretTextSchema = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : 'a text is expected') })
  .min(1, { error: 'the text is empty' })
  .meta({ writeOnly: true });

/** An http address that may contain references. Their values are unknown here. */
export const secretAddressSchema = secretTextSchema
  .refine(isAddress, {
    error: 'an http or https address is expected, or a reference to one such as `${env:URL}`',
  })
  .meta({ writeOnly: true });

function isAddress(text: string): boolean {
  const [first] = findReferences(text);
  if (first === undefined) return /^https?:\/\/./i.test(text) && URL.canParse(text);
  return text.startsWith(first.text) || /^https?:\/\//i.test(text);
}
