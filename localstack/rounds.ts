import axios from 'axios';
import { DEFAULT_NAME, stackNameOf } from '../adapters/aws/deployment.ts';
import type { Emulator } from './emulator.ts';
import { ask } from './requests.ts';

const MINUTE_MS = 60_000;

/**
 * Whether the emulator runs the schedule of a deployment. LocalStack stores schedules but runs none
 * (https://docs.localstack.cloud/aws/services/scheduler/#current-limitations); only LocalStack answers at this address.
 */
export async function runsSchedules({ url }: Emulator): Promise<boolean> {
  const options = { timeout: 5_000, validateStatus: () => true, proxy: false as const };
  return (await axios.get(`${url}/_localstack/info`, options)).status !== 200;
}

/**
 * Starts a round of the deployment with that name as the schedule does, without waiting for its end.
 * @throws Error when nothing is deployed
 */
export async function startRound(emulator: Emulator, nowMs: number, name = DEFAULT_NAME): Promise<void> {
  const listed = await ask(emulator, 'lambda', { path: '/2015-03-31/functions/' });
  const { Functions } = JSON.parse(listed) as { Functions: { FunctionName: string }[] };
  const plan = Functions.find(({ FunctionName }) =>
    FunctionName.startsWith(`${stackNameOf(name, 'Pipeline')}-Plan`),
  );
  if (!plan) throw new Error('there is no function to start a round with');
  await ask(emulator, 'lambda', {
    path: `/2015-03-31/functions/${plan.FunctionName}/invocations`,
    json: { scheduledTime: new Date(Math.floor(nowMs / MINUTE_MS) * MINUTE_MS).toISOString() },
    headers: { 'x-amz-invocation-type': 'Event' },
  });
}

/** Starts a round at each whole minute, in place of a schedule. Reports failures, and continues. */
export function startRounds(emulator: Emulator, print: (text: string) => void): { stop(): void } {
  let timer: NodeJS.Timeout;
  const wait = () => {
    timer = setTimeout(
      () => {
        startRound(emulator, Date.now()).catch((error: Error) => print(`no round: ${error.message}`));
        wait();
      },
      MINUTE_MS - (Date.now() % MINUTE_MS),
    );
  };
  wait();
  return { stop: () => clearTimeout(timer) };
}
