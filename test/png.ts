import { inflateSync } from 'node:zlib';

export interface Pixels {
  width: number;
  height: number;
  /** Four bytes for each pixel. */
  at(x: number, y: number): string;
  bytes: Uint8Array;
}

/** Decodes an 8-bit RGBA PNG (PNG specification, 9: filtering). */
export function decode(png: Uint8Array): Pixels {
  const data = Buffer.from(png);
  const [width, height] = [data.readUInt32BE(16), data.readUInt32BE(20)];
  if (data[24] !== 8 || data[25] !== 6) throw new Error('not an 8-bit RGBA PNG');
  const parts: Buffer[] = [];
  for (let at = 8; at < data.length; at += 12 + data.readUInt32BE(at)) {
    if (data.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(data.subarray(at + 8, at + 8 + data.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * 4;
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= 4 ? (out[y * stride + x - 4] ?? 0) : 0;
      const over = y > 0 ? (out[(y - 1) * stride + x] ?? 0) : 0;
      const corner = x >= 4 && y > 0 ? (out[(y - 1) * stride + x - 4] ?? 0) : 0;
      const estimate = left + over - corner;
      const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - over), Math.abs(estimate - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? over : corner;
      const add = [0, left, over, (left + over) >> 1, paeth][filter ?? 0] ?? 0;
      out[y * stride + x] = ((raw[y * (stride + 1) + 1 + x] ?? 0) + add) & 255;
    }
  }
  return {
    width,
    height,
    bytes: out,
    at: (x, y) => out.subarray((y * width + x) * 4, (y * width + x) * 4 + 4).toString('hex'),
  };
}

/** The mean difference of all bytes, 0 to 255; Infinity for pictures of different sizes. */
export function difference(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) return Number.POSITIVE_INFINITY;
  const sum = a.bytes.reduce((total, byte, i) => total + Math.abs(byte - (b.bytes[i] ?? 0)), 0);
  return sum / a.bytes.length;
}
