import { vi } from 'vitest';

export interface Printed {
  out: string;
  err: string;
}

/** What commands print in this process from now on, instead of printing it, until `vi.restoreAllMocks`. */
export function capturePrinted(): Printed {
  const printed: Printed = { out: '', err: '' };
  for (const [name, stream] of [
    ['out', process.stdout],
    ['err', process.stderr],
  ] as const)
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    });
  return printed;
}
