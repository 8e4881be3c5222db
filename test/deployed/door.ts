import { connect, createServer, type Socket } from 'node:net';

/** A way to a port of this machine that can be shut: connections end, and none is made. */
export interface Door {
  port: number;
  shut(): void;
  reopen(): void;
  close(): Promise<void>;
}

export async function startDoor(targetPort: number): Promise<Door> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((here) => {
    if (!open) return void here.destroy();
    const there = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const shut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  const { port } = server.address() as { port: number };
  return {
    port,
    shut,
    reopen() {
      open = true;
    },
    close: () =>
      new Promise((resolve) => {
        shut();
        server.close(() => resolve());
      }),
  };
}
