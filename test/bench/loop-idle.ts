// A process that does nothing: its event loop waits as long as the machine makes every process wait. It exits when
// stdin ends.
import { recordLoop } from './loop-record.ts';

const recorded = recordLoop();
for await (const _ of process.stdin);
process.stdout.write(`${JSON.stringify(recorded())}\n`);
