/** Shorter values are left alone: replacing them would garble texts that have nothing to do with them. */
const MIN_LENGTH = 6;
const MASK = '<secret>';

export interface Redactor {
  add(value: string): void;
  redact(text: string): string;
}

/** Replaces values, however a text may carry them: plain, in a URL, in JSON, in base64 at any offset, line by line. */
export function createRedactor(): Redactor {
  const forms = new Set<string>();
  let pattern: RegExp | undefined;
  return {
    add(value) {
      const before = forms.size;
      for (const form of [...formsOf(value), ...formsOf(value.trim()), ...linesOf(value)]) forms.add(form);
      if (forms.size === before) return;
      // One pass, longest first: a form may hold another, and the mask itself may look like one.
      const ordered = [...forms].sort((a, b) => b.length - a.length);
      pattern = new RegExp(
        ordered.map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'),
        'g',
      );
    },
    redact: (text) => (pattern ? text.replace(pattern, MASK) : text),
  };
}

/** Of a key, parsers quote single lines. Its frame is no secret. */
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.length < 2
    ? []
    : lines.filter((line) => line.length >= MIN_LENGTH && !line.startsWith('-----'));
}

function formsOf(value: string): string[] {
  if (value.length < MIN_LENGTH) return [];
  const url = encodeURIComponent(value.toWellFormed());
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = [0, 1, 2]
    .map((offset) => base64Core(value, offset))
    .filter((form) => form.length >= MIN_LENGTH);
  return [
    value,
    url,
    url.replaceAll('%20', '+'),
    url.replace(/%../g, (code) => code.toLowerCase()),
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
