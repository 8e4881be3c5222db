// The headers of a tar file: the part of ustar that plain files need, so that any tar can list and unpack a backup.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06

/** Files begin at multiples of this. */
export const BLOCK_BYTES = 512;
const NAME = { at: 0, bytes: 100 };
const MODE = { at: 100, bytes: 8 };
const OWNER = { at: 108, bytes: 8 };
const GROUP = { at: 116, bytes: 8 };
const SIZE = { at: 124, bytes: 12 };
const TIME = { at: 136, bytes: 12 };
const CHECKSUM = { at: 148, bytes: 8 };
const TYPE_AT = 156;
const MAGIC = { at: 257, text: 'ustar\u000000' };
const PLAIN_FILE = '0';
/** Eleven octal digits; larger sizes are binary, as GNU tar and libarchive write them. */
const MOST_OCTAL = 8 ** 11 - 1;
const BINARY = 0x80;

export interface TarFile {
  name: string;
  bytes: number;
}

/** The header of a file with mode 0600. Names have at most 100 bytes. */
export function encodeHeader({ name, bytes }: TarFile, modifiedMs: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  if (Buffer.byteLength(name) > NAME.bytes) throw new RangeError(`${name} is too long for a tar file`);
  header.write(name, NAME.at);
  writeOctal(header, MODE, 0o600);
  writeOctal(header, OWNER, 0);
  writeOctal(header, GROUP, 0);
  if (bytes <= MOST_OCTAL) writeOctal(header, SIZE, bytes);
  else {
    header[SIZE.at] = BINARY;
    header.writeBigUInt64BE(BigInt(bytes), SIZE.at + 4);
  }
  writeOctal(header, TIME, Math.floor(modifiedMs / 1_000));
  header.write(PLAIN_FILE, TYPE_AT);
  header.write(MAGIC.text, MAGIC.at);
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, CHECKSUM.at);
  return header;
}

/** The file that a header announces; `end` for the empty block behind the last one; undefined when it is no header of ours. */
export function decodeHeader(header: Buffer): TarFile | 'end' | undefined {
  if (header.length !== BLOCK_BYTES) return undefined;
  if (header.every((byte) => byte === 0)) return 'end';
  if (readOctal(header, CHECKSUM) !== sumOf(header)) return undefined;
  if (header.toString('latin1', TYPE_AT, TYPE_AT + 1) !== PLAIN_FILE) return undefined;
  const name = header.toString('utf8', NAME.at, NAME.at + NAME.bytes).replace(/\0.*$/s, '');
  const bytes = header[SIZE.at] === BINARY ? readBinary(header) : readOctal(header, SIZE);
  return bytes === undefined ? undefined : { name, bytes };
}

/** The bytes between the end of a file and the next header. */
export function paddingAfter(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function writeOctal(header: Buffer, field: { at: number; bytes: number }, value: number): void {
  header.write(value.toString(8).padStart(field.bytes - 1, '0'), field.at);
}

function readOctal(header: Buffer, field: { at: number; bytes: number }): number | undefined {
  const text = header.toString('latin1', field.at, field.at + field.bytes).replace(/[\0 ]+$/, '');
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function readBinary(header: Buffer): number | undefined {
  const bytes = header.readBigUInt64BE(SIZE.at + 4);
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined;
}

/** The sum of all bytes, with spaces in the place of the sum. */
function sumOf(header: Buffer): number {
  let sum = 0;
  for (const [at, byte] of header.entries())
    sum += at >= CHECKSUM.at && at < CHECKSUM.at + CHECKSUM.bytes ? 0x20 : byte;
  return sum;
}
