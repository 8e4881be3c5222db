/** A text that hardly compresses, always the same. */
export function noise(characters: number): string {
  let seed = 1;
  return Array.from({ length: characters }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String.fromCharCode(48 + (seed % 75));
  }).join('');
}
