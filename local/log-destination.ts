import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';

/** Bytes that may wait for a slow reader; lines after that are lost. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

export interface LogDestination extends Writable {
  /** Lines that could not be written. */
  lost(): number;
}

/**
 * Where the log goes, for a process that must not end with it: a reader that has gone or takes nothing, a terminal that was
 * closed and a full disk cost lines, which are counted. Default: stderr.
 */
export function createLogDestination(
  stream: NodeJS.WriteStream = process.stderr,
  fd: number = process.stderr.fd,
): LogDestination {
  let lost = 0;
  const lose = () => {
    lost++;
  };
  // Whoever writes knows of the failure already.
  stream.on('error', () => {});
  const file = isFile(fd) ? createFileWriter(fd) : undefined;
  const send = (text: string) => {
    if (file) file(text);
    else if (stream.writableLength > MOST_WAITING_BYTES) lose();
    else stream.write(text, (error) => (error ? lose() : undefined));
  };
  const destination = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      try {
        send(String(chunk));
      } catch {
        lose();
      }
      done();
    },
  });
  return Object.assign(destination, { lost: () => lost });
}

/** A file or a device without a reader. Node's own stream for one ends for good when a full disk refuses a line. */
function isFile(fd: number): boolean {
  const about = fstatSync(fd);
  return about.isFile() || (about.isCharacterDevice() && !isatty(fd));
}

function createFileWriter(fd: number): (text: string) => void {
  let isHalf = false;
  return (text) => {
    // The rest of a line that a full disk cut off must not spoil the next one.
    const bytes = Buffer.from(isHalf ? `\n${text}` : text);
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(fd, bytes, at);
      isHalf = false;
    } catch (error) {
      isHalf = isHalf || at > 0;
      throw error;
    }
  };
}
