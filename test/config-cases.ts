// What tests of the configuration share: registries of their own, a file that is right, and cases that are not.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ParseOptions, parseConfig } from '../core/config/parse.ts';
import type { Problem } from '../core/config/problem.ts';
import { secretSchema, secretTextSchema } from '../core/config/secret-text.ts';
import type { Config } from '../core/model/config.ts';
import type { AdapterKinds } from '../core/registry.ts';

export const TEST_KINDS: AdapterKinds = {
  probes: [
    {
      type: 'usage',
      title: 'Usage',
      options: z.strictObject({ top: z.int().min(1).max(50).describe('How many processes').default(5) }),
    },
  ],
  channels: [
    {
      type: 'webhook',
      title: 'Webhook',
      options: z.strictObject({
        url: secretTextSchema.describe('Address'),
        secret: secretSchema.describe('Signs messages').optional(),
        picture: z.enum(['url', 'inline', 'none']).describe('How the picture goes').default('inline'),
        headers: z.record(z.string(), secretTextSchema).describe('More headers').default({}),
      }),
    },
    {
      type: 'mail',
      title: 'Mail',
      options: z.strictObject({ to: z.array(z.string()).min(1).describe('Addresses') }),
    },
  ],
  stores: [
    { type: 'sqlite', title: 'SQLite', options: z.strictObject({}), isLocal: true },
    { type: 'remote', title: 'A server', options: z.strictObject({}) },
  ],
  states: [
    { type: 'sqlite', title: 'SQLite', options: z.strictObject({}) },
    {
      type: 'shared',
      title: 'A server',
      options: z.strictObject({ host: z.string().describe('Its name') }),
      isShared: true,
    },
  ],
  inventories: [
    {
      type: 'list',
      title: 'A list elsewhere',
      options: z.strictObject({ at: z.string().describe('Where it is') }),
    },
  ],
  presets: [
    {
      type: 'plain',
      title: 'Nothing but usage',
      checks: [
        { probe: 'usage', everyMs: 3_600_000, roles: ['etcd'], options: { top: 7 } },
        { probe: 'usage', suffix: '-all', everyMs: 60_000, options: {} },
      ],
    },
  ],
};

export const OPTIONS: ParseOptions = {
  file: 'bartizan.yaml',
  kinds: TEST_KINDS,
  baseDir: '/etc/bartizan',
  home: '/home/ops',
  nowMs: Date.parse('2027-01-01T00:00:00Z'),
};

/** Sections of a file in which nothing is wrong or doubtful. */
const SECTIONS = {
  bastions: `bastions:
  - { name: seoul, host: bastion.example.net, user: probe, privateKey: "\${file:~/.ssh/key}" }
`,
  clusters: `clusters:
  - name: prod
    bastion: seoul
    nodes:
      - { name: prod-1, role: apiserver, host: 10.0.1.11 }
      - { name: prod-2, role: etcd, host: 10.0.1.12 }
`,
  channels: `channels:
  - { name: ops, type: webhook, url: "https://chat.example.net/\${env:TOKEN}" }
`,
};

/** That file, with sections replaced, added, or (empty) left out. */
export function configText(sections: Readonly<Record<string, string>> = {}): string {
  return Object.values({ ...SECTIONS, ...sections }).join('');
}

/** The location meant in a text: `‸` stands in front of it. */
export function marked(text: string): { text: string; line: number; column: number } {
  const at = text.indexOf('‸');
  const before = text.slice(0, at).split('\n');
  return { text: text.replace('‸', ''), line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Problems or warnings of a text. */
export function problemsOf(text: string, options: Partial<ParseOptions> = {}): Problem[] {
  const result = parseConfig(text, { ...OPTIONS, ...options });
  return result.ok ? result.warnings : result.problems;
}

/** @throws when something is wrong with the text */
export function configOf(text: string, options: Partial<ParseOptions> = {}): Config {
  const result = parseConfig(text, { ...OPTIONS, ...options });
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.config;
}

/** A text with `‸` at the location of its first problem, and all problems it must give. */
export interface Case {
  title: string;
  text: string;
  problems: { severity: Problem['severity']; path: string; message: string; suggestion: string }[];
}

const LISTS: Readonly<Record<string, string>> = {
  bastion: 'bastions',
  check: 'checks',
  rule: 'rules',
  channel: 'channels',
  route: 'routes',
  silence: 'silences',
};

/** The cases of `test/fixtures/config/<name>.txt`; fields.txt tells the notation. */
export function readCases(name: string): Case[] {
  const file = readFileSync(new URL(`./fixtures/config/${name}.txt`, import.meta.url), 'utf8');
  return file
    .split(/^== /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...lines] = block.trimEnd().split('\n');
      const [what = '', title = ''] = head.split(': ');
      const text = lines.filter((line) => !/^--( |$)/.test(line)).join('\n');
      const found = lines.filter((line) => /^--( |$)/.test(line)).map((line) => line.slice(3));
      return { title, text: fileOf(what, text), problems: problemsIn(found) };
    });
}

function fileOf(what: string, text: string): string {
  const list = LISTS[what];
  if (list) return configText({ [list]: `${list}:\n  - ${text}\n` });
  if (what === 'file') return `${text}\n`;
  if (what === 'node') {
    return configText({
      clusters: `clusters:\n  - name: prod\n    bastion: seoul\n    nodes:\n      - ${text}\n`,
    });
  }
  return configText({ [what]: `${text}\n` });
}

function problemsIn(lines: readonly string[]): Case['problems'] {
  const problems: Case['problems'] = [];
  for (let i = 0; i < lines.length; i += 3) {
    const [, warning, path = ''] = /^(warning)? ?(.*)$/.exec(lines[i] ?? '') ?? [];
    const [message = '', suggestion = ''] = lines.slice(i + 1, i + 3);
    problems.push({ severity: warning ? 'warning' : 'error', path, message, suggestion });
  }
  return problems;
}

/** What a case must give and what it gives, alike in form; of the first problem also its location. */
export function compareCase({ text: source, problems }: Case): { expected: unknown; actual: unknown } {
  const { text, line, column } = marked(source);
  const all = problemsOf(text);
  // Most cases have a rule of their own and are about something else.
  const found = problems.some(isAboutDefaults) ? all : all.filter((one) => !isAboutDefaults(one));
  const first = found.find(
    ({ path, message }) => path === problems[0]?.path && message === problems[0]?.message,
  );
  const plain = ({ severity, path, message, suggestion = '' }: Problem) => ({
    severity,
    path,
    message,
    suggestion,
  });
  const bySeverity = (a: { severity: string }, b: { severity: string }) =>
    a.severity.localeCompare(b.severity);
  return {
    expected: { location: problems.length > 0 ? `${line}:${column}` : undefined, problems },
    actual: {
      location: first && `${first.line}:${first.column}`,
      problems: found.map(plain).sort(bySeverity),
    },
  };
}

function isAboutDefaults({ message }: { message: string }): boolean {
  return message.startsWith('this list replaces the default rule');
}
