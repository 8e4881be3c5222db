// The words that the project gave up (ARCHITECTURE.md, "Glossary", has those it uses) do not come back in names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

/** Words as parts of names (`placeOf`, `PLACES`, `place-index.ts`), and what to write for them. */
const BANNED: readonly (readonly [forms: string, write: string])[] = [
  ['told tell tells telling untold', 'sent, emitted, reported'],
  ['judge judges judged judging unjudged', 'evaluate, check, validate'],
  ['look looks looked looking', 'probe, sample, find, inspect'],
  ['word words wording wordings', 'caption, label, message, term'],
  ['world worlds', 'services, fixture'],
  ['place places placed placing unplaced', 'location, slot, endpoint, destination, index, column'],
  ['standing standings', 'resumePoint, phase, current'],
  ['heard hear hears hearer hearers', 'notified, recipient'],
  ['owed owes', 'due, outstanding'],
  ['said says say', 'sent'],
  ['door doors', 'gateway, listener'],
  ['stranger strangers', 'unknownHost'],
  ['thinner', 'downsampler'],
  ['doubt doubts', 'lint'],
  ['stand-in stand-ins stands-in', 'fallback, fake, emulator'],
  ['hand-over hands-over handed-over', 'failover'],
  ['hold-back held-back holds-back', 'suppress'],
  ['at-once', 'concurrent, limit'],
  ['way-out ways-out', 'egress'],
  ['shown-keys', 'key scan'],
  ['part-of parts-of of-part of-parts group-part aggregate-part', 'partial aggregate, section, chunk'],
];

/**
 * Names that are stored, sent, or printed as JSON keep the name that data of older releases have. Each is allowed only in
 * the files that handle such data.
 */
const SERIALISED: Readonly<Record<string, RegExp>> = {
  // Configuration: sessions.door.
  door: /^(core\/config\/schema|core\/model\/config|adapters\/(ssh|probes)\/|test\/(bench\/ours|openssh\/servers|prober-fixture))/,
  // State: Incident.attempt.
  handedOver: /^core\/(model\/incident|notify|stages)/,
  // State: IncidentAlert.
  heardBy: /^(core\/(model\/incident|notify)|core\/stages\/alert-report)/,
  // `bartizan routes test --json`.
  hearers: /^cli\/(json-shapes|routes-test)/,
  // State: IncidentAlert.
  heldBack: /^core\/(model\/incident|notify|stages)/,
  // S3: the account of a round.
  judgedMs: /^(functions\/(health|round-account)|test\/cloud\/time\.test)/,
  // An option of the release that wrote the data in test/before.
  onJudged: /^test\/before\//,
  // DynamoDB: transitions whose outbox item still exists.
  owed: /^adapters\/state\/dynamodb\//,
  // State: points of a partial aggregate in a checkpoint.
  places: /^(core\/(model\/checkpoint|stages\/partial-aggregates)|adapters\/state\/dynamodb\/state\.test)/,
  // State: Incident.attempt, and the stamp of silences.
  says: /^core\/(model\/incident|notify|stages\/(fallbacks|reconcile|record))/,
  // State: IncidentAlert and Incident.
  standIn: /^core\/(model\/incident|notify|stages)/,
  standsInFor: /^core\/(model\/incident|notify|stages)/,
  // Webhook v1.
  untold: /^(adapters\/channels\/webhook|core\/(model\/notification|notify))/,
  // /healthz.
  words: /^(core\/health|functions\/(evaluate|health|history)|local\/|test\/cloud\/blind\.test)/,
};

/** Other senses of these words. */
const OTHER_SENSE = [
  /^looksLike/, // a predicate on a text
  /^[a-z0-9]+(_[a-z0-9]+)+$/, // names of metrics, and fields of other services: they stay
  /^look(Up|Back|Ahead|Behind)|[a-z]Look(Up|Back|Ahead|Behind)|^LOOK_(BACK|AHEAD|UP)/, // the usual terms
];

const SOURCE = /\.(ts|mjs)$/;
const FOLDERS = [
  'adapters',
  'bin',
  'cli',
  'core',
  'examples',
  'functions',
  'lib',
  'local',
  'localstack',
  'scripts',
  'test',
];

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return SOURCE.test(entry.name) ? [path] : [];
  });
}

/** `placeOf`, `PLACE_OF` and `place-of` as `-place-of-`. */
function hyphenated(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .split(/[^A-Za-z]+/);
  return `-${words.join('-').toLowerCase()}-`;
}

function bannedIn(name: string, file: string): string | undefined {
  if (Object.hasOwn(SERIALISED, name) && SERIALISED[name]?.test(file)) return undefined;
  if (OTHER_SENSE.some((sense) => sense.test(name))) return undefined;
  const text = hyphenated(name);
  const rule = BANNED.find(([forms]) => forms.split(' ').some((form) => text.includes(`-${form}-`)));
  return rule && `${name} (${rule[1]})`;
}

function identifiers(file: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one);
    else if (typeof node === 'object' && node !== null) {
      const { type, name } = node as { type?: unknown; name?: unknown };
      if (type === 'Identifier' && typeof name === 'string') found.add(name);
      for (const value of Object.values(node)) visit(value);
    }
  };
  visit(parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }, file));
  return found;
}

it('no name of the code or of a file has a banned word in it', () => {
  const files = FOLDERS.flatMap(walk).filter((file) => !file.endsWith('words.test.ts'));
  const offences = files.flatMap((file) => {
    const names = [file.split('/').at(-1)?.replace(/\..*$/, '') ?? '', ...identifiers(file)];
    return names.flatMap((name) => bannedIn(name, file) ?? []).map((offence) => `${file}: ${offence}`);
  });
  expect(files.length).toBeGreaterThan(500);
  expect(offences).toEqual([]);
});

it.each([
  ['placeOf', 'core/a.ts', true],
  ['PLACES', 'core/a.ts', true],
  ['replace', 'core/a.ts', false],
  ['placeholder', 'core/a.ts', false],
  ['password', 'core/a.ts', false],
  ['lookBackMs', 'core/a.ts', false],
  ['firstLookMs', 'core/a.ts', true],
  ['heldBack', 'core/notify/decide.ts', false],
  ['heldBack', 'cli/plot.ts', true],
  ['places', 'core/model/checkpoint.ts', false],
  ['places', 'core/evaluate/aggregate.ts', true],
  ['HELD_BACK_MS', 'core/notify/decide.ts', true],
])('%s in %s is banned: %s', (name, file, isBanned) => {
  expect(bannedIn(name, file) !== undefined).toBe(isBanned);
});
