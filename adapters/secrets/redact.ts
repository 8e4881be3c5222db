/** Shorter values are left alone: replacing them would garble texts that have nothing to do with them. */
const MIN_LENGTH = 6;
const MASK = '<secret>';

export interface Redactor {
  add(value: string): void;
  redact(text: string): string;
}

/** Replaces values, however a text may carry them: plain, in a URL, in JSON, in base64 at any offset, line by line. */
export function createRedactor(): Redactor {
  const known = new Set<string>();
  let forms: string[] = [];
  return {
    add(value) {
      if (known.has(value)) return;
      known.add(value);
      const lines = value.split(/\r?\n/).map((line) => line.trim());
      const added = [value, value.trim(), ...(lines.length > 1 ? lines : [])].flatMap(formsOf);
      // Longest first: a form may hold another.
      forms = [...new Set([...forms, ...added])].sort((a, b) => b.length - a.length);
    },
    redact(text) {
      let safe = text;
      for (const form of forms) safe = safe.replaceAll(form, MASK);
      return safe;
    },
  };
}

function formsOf(value: string): string[] {
  if (value.length < MIN_LENGTH || (/^-----(BEGIN|END)/.test(value) && !value.includes('\n'))) return [];
  const url = encodeURIComponent(value.toWellFormed());
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = [0, 1, 2]
    .map((offset) => base64Core(value, offset))
    .filter((form) => form.length >= MIN_LENGTH);
  return [
    value,
    url,
    url.replaceAll('%20', '+'),
    url.toLowerCase(),
    json,
    JSON.stringify(json).slice(1, -1),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

/**
 * The characters of a base64 text that follow from the value alone when it stands `offset` bytes behind a group's
 * start, as in `Basic base64(user:password)`.
 */
function base64Core(value: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const first = Math.ceil((offset * 8) / 6);
  const whole = Math.floor((bytes.length * 8) / 6);
  return bytes.toString('base64').slice(first, whole);
}
