import { styleText } from 'node:util';
import { formatDuration } from '../core/config/duration.ts';
import type { Config } from '../core/config/types.ts';
import { formatCondition, formatTime } from '../core/format.ts';
import { placeText } from '../core/message/summary.ts';
import type { Transition } from '../core/model.ts';
import type { RoundResult } from '../local/round.ts';
import type { SinkMessage } from './sink/sink.ts';

/** Tells the demo on the terminal as it happens: a line a round, and what it leads to. */
export function createStory(config: Config) {
  const say = (text = '') => process.stdout.write(`${text}\n`);
  const zone = config.schedule.timeZone;
  const threshold = 90;

  function nodeText(name: string, memory: number | undefined): string {
    if (memory === undefined) return `${name} ${styleText('red', '  ?')}`;
    const color = memory > threshold ? 'red' : memory > threshold - 10 ? 'yellow' : 'green';
    return `${name} ${styleText(color, `${bar(memory)} ${memory.toFixed(0).padStart(2)}%`)}`;
  }

  function transitionText(transition: Transition): string {
    const rule = config.rules.find((candidate) => candidate.name === transition.rule);
    const place = placeText(transition.labels);
    const at = formatTime(transition.atMs, zone, true);
    switch (transition.kind) {
      case 'pending': {
        const condition = rule ? formatCondition(rule.condition, 'percent') : '';
        return styleText(
          'yellow',
          `  ● pending   ${place}: ${condition} since ${at}; fires when it holds for ${formatDuration(rule?.forMs ?? 0)}`,
        );
      }
      case 'firing':
        return styleText(['red', 'bold'], `  ✖ firing    ${place} at ${at}`);
      case 'resolved':
        return styleText(
          ['green', 'bold'],
          `  ✔ resolved  ${place} at ${at}, clear since ${formatTime(transition.clearedAtMs ?? transition.atMs, zone, true)}`,
        );
      case 'cancelled':
        return styleText('dim', `  ○ cancelled ${place} at ${at}: it did not hold`);
    }
  }

  return {
    begin(url: string): void {
      const nodes = config.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0);
      const rule = config.rules[0];
      say(
        `${styleText('bold', 'Bartizan demo')}: ${config.clusters.length} clusters, ${nodes} nodes behind one bastion, probed over SSH every 2 s`,
      );
      say(
        `  rule      ${rule?.title} ${rule ? formatCondition(rule.condition, 'percent') : ''} for ${formatDuration(rule?.forMs ?? 0)}`,
      );
      say(`  messages  to a local webhook; health at ${url}/healthz`);
      say(
        '  story     memory of seoul-2 climbs, stays above the threshold for half a minute, and recovers: about a minute',
      );
      say();
    },
    round(result: RoundResult): void {
      const memory = new Map<string, number>();
      for (const observation of result.observations.flatMap((batch) => batch.observations)) {
        if (!observation.result.ok) continue;
        const sample = observation.result.samples.find((candidate) => candidate.metric === 'mem_usage');
        if (sample) memory.set(`${observation.target.cluster}/${observation.target.node}`, sample.value);
      }
      const nodes = config.clusters.flatMap((cluster) =>
        cluster.nodes.map((node) => nodeText(node.name, memory.get(`${cluster.name}/${node.name}`))),
      );
      say(`${styleText('dim', formatTime(result.roundMs, zone, true))}  ${nodes.join('  ')}`);
      for (const transition of result.transitions) say(transitionText(transition));
    },
    message(message: SinkMessage, picture: string | undefined): void {
      say(
        `  ✉ message ${message.payload.number} received${picture ? `, its picture saved as ${picture}` : ' without a picture'}`,
      );
      for (const line of message.payload.text.split('\n')) say(styleText('dim', `    │ ${line}`));
    },
    end(pictures: readonly string[], wanted: boolean): void {
      say();
      if (pictures.length === 2 || !wanted) say('The pictures:');
      else say(`Only ${pictures.length} of 2 pictures arrived within three minutes:`);
      for (const picture of pictures) say(`  ${picture}`);
    },
  };
}

function bar(percent: number): string {
  const steps = '▁▂▃▄▅▆▇█';
  return steps[Math.min(7, Math.floor((percent / 100) * 8))] ?? '';
}
