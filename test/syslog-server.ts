// A syslog server that takes nothing but frames with octet counts and messages of RFC 5424.

import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificates.ts';

/** https://www.rfc-editor.org/rfc/rfc5424#section-6 */
const MESSAGE =
  /^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) \[([^\]\s="]{1,32})((?: [^\]\s="]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] (.*)$/su;

export interface SyslogServer {
  port: number;
  messages: { priority: number; host: string; id: string; parameters: string; text: string }[];
  /** What was no message, and ended its connection. */
  refused: string[];
  /** Reads nothing from now on. */
  pause(): void;
  /** Ends every connection. */
  cut(): void;
  connections(): number;
  stop(): Promise<void>;
}

export async function startSyslogServer(
  options: { tls?: Certificate; port?: number } = {},
): Promise<SyslogServer> {
  const messages: SyslogServer['messages'] = [];
  const refused: string[] = [];
  const sockets = new Set<Socket>();
  let isPaused = false;
  let connections = 0;
  const serve = (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (isPaused) return;
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const count = /^([1-9]\d{0,4}) /.exec(rest.subarray(0, 6).toString('latin1'));
        if (!count) {
          if (rest.length > 5) refuse(socket, rest.toString('utf8'));
          return;
        }
        const start = count[0].length;
        const end = start + Number(count[1]);
        if (rest.length < end) return;
        take(socket, rest.subarray(start, end).toString('utf8'));
        rest = rest.subarray(end);
      }
    });
  };
  function refuse(socket: Socket, text: string): void {
    refused.push(text);
    socket.destroy();
  }
  function take(socket: Socket, message: string): void {
    const match = MESSAGE.exec(message);
    const [, priority, , host = '', program, , id = '', , parameters = '', text = ''] = match ?? [];
    if (program !== 'bartizan') refuse(socket, message);
    else messages.push({ priority: Number(priority), host, id, parameters, text });
  }
  const server: Server = options.tls
    ? createTlsServer({ cert: options.tls.cert, key: options.tls.key }, serve)
    : createServer(serve);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    messages,
    refused,
    pause() {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    cut,
    connections: () => connections,
    async stop() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
