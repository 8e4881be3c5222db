// The alarms of the example's pipeline, evaluated on the counts of functions.
import { type Resource, synthExample } from '../stacks/synth.ts';
import { alarmHistory, type StackAlarms } from './alarm-states.ts';
import type { Datum } from './faults.ts';

const MINUTE = 60_000;

/** The alarms of the example with a round every so many minutes. */
export function exampleAlarms(everyMinutes: number): StackAlarms {
  const { pipeline } = synthExample({ replace: [['every: 1m', `every: ${everyMinutes}m`]] });
  const resourcesOf = (type: string) =>
    Object.entries(pipeline.findResources(type)).map(([id, resource]) => ({ id, ...resource }) as Resource);
  return {
    stackName: 'BartizanPipeline',
    alarms: resourcesOf('AWS::CloudWatch::Alarm'),
    rules: resourcesOf('AWS::Events::Rule'),
  };
}

export const exampleStack: StackAlarms = exampleAlarms(1);

/** The states at the end of that minute. The stack was created three minutes before its first round. */
export function alarmsAt(
  data: readonly Datum[],
  startMs: number,
  minute: number,
  stack = exampleStack,
): { notified: string[]; on: string[] } {
  const { notified, states } = alarmHistory(stack, {
    data,
    madeMs: startMs - 3 * MINUTE,
    toMs: startMs + (minute + 1) * MINUTE,
  });
  const name = (text: string) => text.replace(/Alarm[0-9A-F]{8}$/, '').replace(/\bRounds/, '');
  return {
    notified: notified.map((line) => name(line.replace(/^\d+ /, ''))),
    on: [...states].flatMap(([id, state]) => (state === 'ALARM' ? [name(id)] : [])).sort(),
  };
}
