/** FNV-1a over the UTF-16 units of `text`, 64 bits as 16 hex digits: for stable names, not for secrets. */
export function hashText(text: string): string {
  return hashUnits(text.length, (i) => text.charCodeAt(i));
}

/** The same over bytes, as other programs do it. */
export function hashBytes(bytes: Uint8Array): string {
  return hashUnits(bytes.length, (i) => bytes[i] ?? 0);
}

/** In two halves of 32 bits: the prime is 2^40 + 0x1b3, so the product is a shift and three small multiplications. */
function hashUnits(length: number, unitAt: (i: number) => number): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let i = 0; i < length; i++) {
    low = (low ^ unitAt(i)) >>> 0;
    const product = low * 0x1b3;
    const carry = Math.floor(product / 0x1_0000_0000);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** FNV-1a, 32 bits, mixed so that `% n` spreads well. */
export function hashNumber(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
