import { MIN_LENGTH, piecesOf } from './pieces.ts';
import { anchorsOf, spellingsOf } from './spellings.ts';

const MASK = '<secret>';
/** Length of the prefix of an anchor by which `candidates` searches a text for all secrets in one pass. */
const GRAM = 4;

export interface Redactor {
  add(value: string): void;
  redact(text: string): string;
}

interface Hidden {
  piece: string;
  anchors: readonly string[];
}

/**
 * Masks secrets and their pieces in any encoding that a text may use: plain, in a URL, HTML, JSON or PHP, in base64 at any
 * offset, line by line.
 */
export function createRedactor(): Redactor {
  const known = new Set<string>();
  const shortGrams = new Set<string>();
  const byGram = new Map<string, Hidden[]>();
  const hide = (piece: string) => {
    if (known.has(piece)) return;
    known.add(piece);
    const anchors = anchorsOf(piece);
    const gram = anchors[0]?.slice(0, GRAM) ?? '';
    if (gram.length < GRAM) shortGrams.add(gram);
    const others = byGram.get(gram);
    if (others) others.push({ piece, anchors });
    else byGram.set(gram, [{ piece, anchors }]);
  };
  /** The few of many secrets that a text may contain. */
  function candidates(text: string): Hidden[] {
    const searched = text.toLowerCase();
    const grams = new Set(shortGrams);
    for (let i = 0; i + GRAM <= searched.length; i++) {
      const gram = searched.slice(i, i + GRAM);
      if (byGram.has(gram)) grams.add(gram);
    }
    return [...grams]
      .flatMap((gram) => byGram.get(gram) ?? [])
      .filter(({ anchors }) => anchors.every((anchor) => searched.includes(anchor)));
  }
  return {
    add(value) {
      if (known.has(value)) return;
      for (const piece of piecesOf(value)) {
        hide(piece);
        for (const form of base64Forms(piece)) hide(form);
      }
    },
    redact(text) {
      const found = candidates(text);
      if (found.length === 0) return text;
      // One pass, longest first: a piece may hold another, and the mask itself may look like one.
      found.sort((a, b) => b.piece.length - a.piece.length);
      const sources = found.map(({ piece }) => spellingsOf(piece));
      return text.replace(new RegExp(sources.join('|'), 'gi'), MASK);
    },
  };
}

function base64Forms(value: string): string[] {
  if (value.length < MIN_LENGTH) return [];
  const forms = [0, 1, 2].map((offset) => base64Core(value, offset));
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))].filter(
    (form) => form.length >= MIN_LENGTH,
  );
}

/**
 * The base64 characters that depend on the value alone if it starts `offset` bytes after the start of a group of three, as
 * in `Basic base64(user:password)`.
 */
function base64Core(value: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const first = Math.ceil((offset * 8) / 6);
  const whole = Math.floor((bytes.length * 8) / 6);
  return bytes.toString('base64').slice(first, whole);
}
