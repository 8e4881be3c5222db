// The product as a contender: `chart-ours.ts FILE` draws one picture and exits; with `--stay` it draws one picture for
// each line on stdin and prints how long that took.
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createChartRenderer } from '../../adapters/charts/renderer.ts';
import { alertChart } from './chart-spec.ts';

const [file = '', mode] = process.argv.slice(2);
const renderer = createChartRenderer();

async function draw(): Promise<{ wallMs: number }> {
  const startMs = performance.now();
  const { png } = await renderer.render(alertChart());
  writeFileSync(file, png);
  return { wallMs: performance.now() - startMs };
}

if (mode === '--stay') {
  for await (const _ of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await draw())}\n`);
  }
} else {
  await draw();
}
