// A process that does nothing: what its event loop waits, every other waits on this machine too. Ends with its stdin.
import { recordLoop } from './loop-record.ts';

const recorded = recordLoop();
for await (const _ of process.stdin);
process.stdout.write(`${JSON.stringify(recorded())}\n`);
