import type { Duplex } from 'node:stream';

/** What a server sends before its SSH identification, or in place of it. */
export interface Opening {
  /** Whether the identification has arrived. */
  identified(): boolean;
  /** The beginning of what came before the identification. */
  text(): string;
  /** The beginning of the identification; empty before it has arrived. */
  identification(): string;
}

/** How much of the text before the identification we keep. */
const KEPT_CHARACTERS = 2_000;
/** RFC 4253, 4.2 allows this length for the identification, and any length for lines before it. */
const IDENTIFICATION_CHARACTERS = 255;
const LONGEST_LINE = 8 * 1024;
/** Real greetings have at most some hundred lines. */
const OPENING_BYTES = 256 * 1024;
const LINE_FEED = 10;
const IDENTIFICATION = Buffer.from('SSH-');

/**
 * Holds back what a server sends before its identification, and passes the identification on in one piece: ssh2 1.17 loses
 * lines before it that arrive in several reads, and reports none of them where no identification follows.
 * Calls `onFlood` once for a server that never gets to its identification.
 */
export function watchOpening(stream: Duplex, onFlood: () => void): Opening {
  const { push } = stream;
  let identified = false;
  let before = '';
  let identification = '';
  let total = 0;
  let line: Buffer = Buffer.alloc(0);

  const keep = (bytes: Buffer) => {
    if (before.length < KEPT_CHARACTERS)
      before += bytes.toString('utf8', 0, KEPT_CHARACTERS).slice(0, KEPT_CHARACTERS);
  };
  /** The bytes for ssh2, from the identification on. Undefined before it has arrived. */
  const read = (chunk: Buffer): Buffer | undefined => {
    total += chunk.length;
    for (let start = 0; ; ) {
      const end = chunk.indexOf(LINE_FEED, start) + 1;
      const rest = chunk.subarray(start, end === 0 ? undefined : end);
      const soFar = line.length === 0 ? rest : Buffer.concat([line, rest]);
      if (soFar.subarray(0, 4).equals(IDENTIFICATION) && (end !== 0 || soFar.length > LONGEST_LINE)) {
        identified = true;
        identification = soFar.toString('latin1', 0, IDENTIFICATION_CHARACTERS).trimEnd();
        return end === 0 ? soFar : Buffer.concat([soFar, chunk.subarray(end)]);
      }
      if (end === 0) {
        line = soFar.subarray(0, LONGEST_LINE + 1);
        return undefined;
      }
      keep(soFar);
      line = Buffer.alloc(0);
      start = end;
    }
  };
  const stop = () => {
    stream.push = push;
  };

  // Some bytes may have come together with the confirmation of the channel.
  const early = stream.readableLength > 0 ? read(stream.read()) : undefined;
  if (early) stream.unshift(early);
  else {
    stream.push = (chunk: Buffer | null) => {
      const rest = chunk && read(chunk);
      if (chunk && !rest && total <= OPENING_BYTES) return true;
      stop();
      if (rest !== undefined) return push.call(stream, rest);
      onFlood();
      return true;
    };
  }
  return {
    identified: () => identified,
    identification: () => identification,
    text: () => (before + (identified ? '' : line.toString('utf8'))).slice(0, KEPT_CHARACTERS),
  };
}
