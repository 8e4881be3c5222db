// A bastion or a node that needs little CPU, in its own process: `light-host.ts bastion|node PUBLIC-KEY`. It answers
// the first line on stdin with its address and exits when stdin ends. A node answers every command with made-up output.
import { createInterface } from 'node:readline';
import { answer, output } from '../node-behaviour.ts';
import { startFakeBastion, startFakeNode } from '../ssh-fleet.ts';

const [kind, accepts = ''] = process.argv.slice(2);
const startMs = Date.now();
/** In units of ten seconds, so that the counters of the made-up output grow in real time. */
const age = () => Math.floor((Date.now() - startMs) / 20) / 500;
const { host, port, hostKey, close } =
  kind === 'bastion'
    ? await startFakeBastion({ accepts })
    : await startFakeNode((channel) => answer(channel, output(age())), { accepts });
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify({ host, port, hostKey })}\n`);
}
await close();
process.exit(0);
