// Receives the messages of the example and prints them. A program too, for a network namespace of its own:
// `receiver.ts FOLDER`, the folder of the example's files.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';

const PORT = 22290;

/** `webhook-secret` in the folder is the secret; pictures go below it. */
export function startReceiver(dir: string): Promise<Sink> {
  return startSink({
    port: PORT,
    secret: readFileSync(join(dir, 'webhook-secret'), 'utf8'),
    dir: join(dir, 'messages'),
    onMessage: ({ payload, picturePath }) => {
      const picture = picturePath ? `\npicture: ${relative(process.cwd(), picturePath)}` : '';
      process.stdout.write(`\n${payload.text}${picture}\n`);
    },
  });
}

if (import.meta.main) await startReceiver(process.argv[2] ?? '.');
