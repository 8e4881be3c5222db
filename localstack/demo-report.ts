import { styleText } from 'node:util';
import { formatDuration } from '../core/duration.ts';
import { formatCondition, formatTime } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Transition } from '../core/model/transition.ts';
import { labelsText } from '../core/notify/summary.ts';
import type { RoundResult } from '../local/round.ts';
import { CLIMBING_NODE } from './demo-fleet.ts';
import type { SinkMessage } from './sink/sink.ts';

/** Prints the demo on the terminal as it happens: a line for each round, and its transitions and messages. */
export function createDemoReport(
  config: Config,
  write: (text: string) => void = (text) => void process.stdout.write(text),
) {
  const print = (text = '') => write(`${text}\n`);
  const time = (ms: number) => formatTime(ms, config.schedule.timeZone, true);
  const rule = config.rules.find(({ metric }) => metric === 'mem_usage');
  const threshold = rule?.condition.kind === 'above' ? rule.condition.threshold : 100;

  function nodeText(name: string, memory: number | undefined): string {
    if (memory === undefined) return `${name} ${styleText('red', '·  ?%')}`;
    const color = memory > threshold ? 'red' : memory > threshold - 10 ? 'yellow' : 'green';
    return `${name} ${styleText(color, `${bar(memory)} ${memory.toFixed(0).padStart(2)}%`)}`;
  }

  function transitionText(transition: Transition): string {
    const of = config.rules.find((candidate) => candidate.name === transition.rule);
    const what = `${of?.title ?? transition.rule} of ${labelsText(transition.labels)}`;
    const at = time(transition.atMs);
    switch (transition.kind) {
      case 'pending': {
        const held = formatDuration(of?.forMs ?? 0);
        return styleText('yellow', `  ● pending   ${what}, since ${at}; fires when it holds for ${held}`);
      }
      case 'firing':
        return styleText(['red', 'bold'], `  ✖ firing    ${what}, at ${at}`);
      case 'resolved': {
        const clear = time(transition.clearedAtMs ?? transition.atMs);
        return styleText(['green', 'bold'], `  ✔ resolved  ${what}, at ${at}, clear since ${clear}`);
      }
      case 'cancelled':
        return styleText('dim', `  ○ cancelled ${what}, at ${at}: it did not hold`);
    }
  }

  return {
    begin(url: string): void {
      const every = formatDuration(Math.min(...config.checks.map((check) => check.everyMs)));
      print(
        `${styleText('bold', 'Bartizan demo')}: nodes behind one bastion, probed over SSH every ${every}`,
      );
      for (const { name, nodes } of config.clusters)
        print(`  cluster   ${name}: ${nodes.map((node) => node.name).join(', ')}`);
      if (rule) {
        const condition = formatCondition(rule.condition, 'percent');
        print(`  rule      ${rule.title} ${condition} for ${formatDuration(rule.forMs)}`);
      }
      print(`  messages  to a local webhook; health at ${url}/healthz`);
      print(
        `  story     memory of ${CLIMBING_NODE} climbs, stays above the threshold for half a minute, and recovers`,
      );
      print('  end       the story takes about a minute; Ctrl-C ends the demo at any time');
      print();
    },
    round(result: RoundResult): void {
      const memory = new Map<string, number>();
      for (const observation of result.observations.flatMap((batch) => batch.observations)) {
        if (!observation.result.ok) continue;
        const sample = observation.result.samples.find((candidate) => candidate.metric === 'mem_usage');
        if (sample) memory.set(`${observation.target.cluster}/${observation.target.node}`, sample.value);
      }
      const clusters = config.clusters.map(({ name, nodes }) =>
        nodes.map((node) => nodeText(node.name, memory.get(`${name}/${node.name}`))).join('  '),
      );
      print(`${styleText('dim', time(result.roundMs))}  ${clusters.join(styleText('dim', ' │ '))}`);
      for (const transition of result.transitions) print(transitionText(transition));
    },
    message(message: SinkMessage, picture: string | undefined): void {
      const { number, text } = message.payload;
      const saved = picture ? `, its picture saved as ${picture}` : ' without a picture';
      print(`  ✉ message ${number} received${saved}`);
      for (const line of text.split('\n')) print(styleText('dim', `    │ ${line}`));
    },
    /** The story is over; the monitoring continues. */
    finished(pictures: readonly string[]): void {
      print();
      print(`${styleText('bold', 'That is the story.')} The monitoring continues; Ctrl-C ends it.`);
      for (const picture of pictures) print(`  picture   ${picture}`);
      print();
    },
    end(pictures: readonly string[], problem: string | undefined): void {
      print();
      if (problem) print(styleText('red', `The demo is incomplete: ${problem}.`));
      if (pictures.length > 0) print('The pictures:');
      for (const picture of pictures) print(`  ${picture}`);
    },
  };
}

function bar(percent: number): string {
  const steps = '▁▂▃▄▅▆▇█';
  return steps[Math.min(7, Math.floor((percent / 100) * 8))] ?? '';
}
