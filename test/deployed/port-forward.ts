import { connect, createServer, type Socket } from 'node:net';
import { pipeSockets } from '../../localstack/port-forwarding.ts';

/** A forwarded port of this machine that can be shut: then connections end, and no new one is accepted. */
export interface PortForward {
  port: number;
  shut(): void;
  reopen(): void;
  close(): Promise<void>;
}

export async function startPortForward(targetPort: number): Promise<PortForward> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((here) => {
    if (!open) return void here.destroy();
    pipeSockets(here, connect(targetPort, '127.0.0.1'), sockets);
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
