// A bastion or a node that needs little CPU, in its own process: `light-host.ts bastion|node|full-node|control-plane PUBLIC-KEY`. It
// answers the first line on stdin with its address and exits when stdin ends. A node answers every command with made-up
// output; one of a control plane also has the services of one.
import { createInterface } from 'node:readline';
import { answer, output } from '../node-behaviour.ts';
import { startFakeBastion, startFakeNode } from '../ssh-fleet.ts';
import { fullNodeOutput } from './full-node-output.ts';

const [kind, accepts = ''] = process.argv.slice(2);
const startMs = Date.now();
/** In units of ten seconds, so that the counters of the made-up output grow in real time. */
const age = () => Math.floor((Date.now() - startMs) / 20) / 500;
const startServices = async () => (await import('./light-control-plane.ts')).startLightControlPlane();
const services = kind === 'control-plane' ? await startServices() : undefined;
const usageOutput = kind === 'full-node' ? fullNodeOutput : (n: number) => output(n);
const outputOf = (script: string) =>
  services && script.includes('@bartizan begin pki') ? services.pkiOutput : usageOutput(age());
const { host, port, hostKey, close } =
  kind === 'bastion'
    ? await startFakeBastion({ accepts })
    : await startFakeNode((channel, script) => answer(channel, outputOf(script)), { accepts });
const ports = services && { services: { apiserver: services.apiserver, etcd: services.etcd } };
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify({ host, port, hostKey, ...ports })}\n`);
}
await close();
await services?.close();
process.exit(0);
