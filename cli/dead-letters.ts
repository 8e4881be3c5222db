import { Argument, Command, InvalidArgumentError } from 'commander';
import { DEFAULT_NAME } from '../adapters/aws/deployment.ts';
import {
  createDeadLetters,
  type DeadLetterQueue,
  type DeadLetters,
} from '../adapters/queues/dead-letters.ts';
import { messageText } from '../adapters/queues/message-text.ts';
import { type Redriven, readLetters, redrive } from '../adapters/queues/redrive.ts';
import { queueName } from '../adapters/queues/sqs.ts';
import { systemClock } from '../local/clock.ts';
import { deploymentNameArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { deadLetterTable, type QueueReport } from './dead-letter-table.ts';
import { writeJson } from './json-output.ts';
import { deadLettersShape } from './json-shapes.ts';
import { createSpinner } from './spinner.ts';

const STAGES = ['plan', 'probe', 'store', 'evaluate', 'notify', 'deliver'];
const MOST_SHOWN = 100;

interface Options {
  name: string;
  show?: number;
  redrive?: true;
  discard?: true;
  limit?: number;
  dryRun?: true;
  json?: true;
}

/** @param open for tests: opens the queues of the deployment with that name */
export function deadLettersCommand(
  open: (name: string) => Promise<DeadLetters> = (name) => createDeadLetters({}, name),
): Command {
  const command = new Command('dead-letters')
    .description('On AWS: list messages that failed for good, show them, send them back to their queues.')
    .addArgument(new Argument('[stages...]', 'of these alone').choices(STAGES))
    .option(
      '--name <name>',
      'name of the deployment, as in `-c name=…`',
      deploymentNameArgument,
      DEFAULT_NAME,
    )
    .option('--show <count>', 'describe this many messages of each queue', shownArgument)
    .option('--redrive', 'send back the messages that are there now; those that fail again meanwhile stay')
    .option('--discard', 'delete the messages instead; needs names of stages')
    .option('--limit <count>', 'at most this many messages of each queue', countArgument)
    .option('--dry-run', 'print what `--redrive` or `--discard` would do')
    .option('--json', 'as JSON')
    .action(async (stages: string[], options: Options) => {
      const to = options.redrive ? 'back' : options.discard ? 'discard' : undefined;
      requireSense(command, stages, options);
      const deadLetters = await open(options.name);
      const reports: QueueReport[] = [];
      try {
        const queues = (await deadLetters.list()).filter(
          ({ stage }) => stages.length === 0 || stages.includes(stage),
        );
        for (const queue of inOrder(queues)) {
          const named = stages.length > 0;
          reports.push(await seeTo(queue, to, { ...options, named }, deadLetters));
        }
      } finally {
        deadLetters.close();
      }
      if (options.json) writeJson(deadLettersShape, reports);
      else process.stdout.write(deadLetterTable(reports, { to, ...options, nowMs: systemClock.nowMs() }));
      process.exitCode = to === undefined ? anyCounts(reports) : anyFails(reports);
    });
  return withNotes(command, {
    examples: [
      ['bartizan dead-letters'],
      ['bartizan dead-letters store --show 3'],
      ['bartizan dead-letters --name staging', 'the deployment with `-c name=staging`'],
      ['bartizan dead-letters store deliver --redrive --dry-run'],
      ['bartizan dead-letters store deliver --redrive'],
      ['bartizan dead-letters plan probe --discard', 'messages that a later round has replaced'],
    ],
    text: `Account, region and endpoint are configured as for all AWS tools: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL. The
deployment has recorded its queues in parameters. The command first copies a message into its queue, then deletes it.
After an interruption the message may be in both, which is harmless: samples are stored once, and notifications keep their
number. Starts of rounds (\`plan\`) came from no queue and cannot be sent back; \`probe\` drops batches whose round is over.
Of a message only names, times and numbers are printed.

It needs ssm:GetParametersByPath on /bartizan/deployment/* (/bartizan/deployments/NAME/* with \`--name\`), and on the queues sqs:GetQueueAttributes, ReceiveMessage,
ChangeMessageVisibility, DeleteMessage and SendMessage.`,
    exits1:
      'there are dead letters, or the queues could not be read (then the command prints only the reason); with `--redrive` or `--discard`: a message stayed that should not',
    json: deadLettersShape,
  });
}

async function seeTo(
  queue: DeadLetterQueue,
  to: 'back' | 'discard' | undefined,
  { show, limit, dryRun, json, named }: Options & { named: boolean },
  port: DeadLetters,
): Promise<QueueReport> {
  const { stage, bastion } = queue;
  const { count, oldestMs } = await port.count(queue);
  const shown = show === undefined || count === 0 ? undefined : await readLetters(queue, show, port);
  const report = {
    stage,
    ...(bastion !== undefined && { bastion }),
    queue: queueName(queue.deadLetters),
    count,
    ...(oldestMs !== undefined && { oldestMs }),
    ...(shown && {
      messages: shown.map(({ id, sentMs, body, errorCode }) => ({
        id,
        sentMs,
        text: `${messageText(stage, body)}${errorCode === undefined ? '' : `: ${errorCode}`}`,
      })),
    }),
  };
  if (to === undefined || count === 0) return report;
  const stays = to === 'back' && queue.queue === undefined;
  const most = stays ? 0 : Math.min(count, limit ?? count);
  if (dryRun) return { ...report, would: most };
  if (stays) return named ? { ...report, failed: count } : report;
  const spinner = createSpinner({ quiet: json === true });
  const progress = (done: number) => `${queueName(queue.deadLetters)}: ${done} of ${most}`;
  spinner.start(progress(0));
  const onProgress = (done: number) => {
    spinner.text = progress(done);
  };
  const result = await redrive(queue, { to, most, onProgress }, port).finally(() => spinner.stop());
  return { ...report, ...resultOf(to, result) };
}

function resultOf(to: 'back' | 'discard', { done, failed, twice, errors }: Redriven): Partial<QueueReport> {
  return {
    ...(to === 'back' ? { sentBack: done, twice } : { discarded: done }),
    failed,
    ...(errors.length > 0 && { errors }),
  };
}

function requireSense(command: Command, stages: readonly string[], options: Options): void {
  const wrong = (text: string) => command.error(`error: ${text}`, { exitCode: 2 });
  if (options.redrive && options.discard) wrong('write `--redrive` or `--discard`, not both');
  if (options.discard && stages.length === 0)
    wrong('`--discard` deletes: name the stages whose messages nobody needs');
  if (!options.redrive && !options.discard && (options.limit !== undefined || options.dryRun))
    wrong('`--limit` and `--dry-run` belong to `--redrive` or `--discard`');
}

/** The order in which messages pass the stages. */
function inOrder(queues: readonly DeadLetterQueue[]): DeadLetterQueue[] {
  const key = ({ stage, bastion = '' }: DeadLetterQueue) => `${STAGES.indexOf(stage)} ${bastion}`;
  return queues.toSorted((a, b) => key(a).localeCompare(key(b)));
}

function anyCounts(reports: readonly QueueReport[]): number {
  return reports.some(({ count }) => count > 0) ? 1 : 0;
}

function anyFails(reports: readonly QueueReport[]): number {
  return reports.some(({ failed = 0, twice = 0 }) => failed + twice > 0) ? 1 : 0;
}

function countArgument(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('Write a whole number from 1 on.');
  return count;
}

function shownArgument(text: string): number {
  const count = countArgument(text);
  if (count > MOST_SHOWN) throw new InvalidArgumentError(`Write ${MOST_SHOWN} at most.`);
  return count;
}
