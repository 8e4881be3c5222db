import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AwsWire, refusal, startAwsWire } from '../test/aws-wire.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let wire: AwsWire;
let printed: Printed;

beforeEach(async () => {
  wire = await startAwsWire();
  vi.stubEnv('AWS_ENDPOINT_URL', String(wire.client.endpoint));
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  printed = capturePrinted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await wire.close();
});

async function deadLetters(...args: string[]): Promise<number> {
  await run(['node', 'bartizan', 'dead-letters', ...args]);
  return Number(process.exitCode ?? 0);
}

const STORE = {
  stage: 'store',
  deadLetters: 'https://sqs.eu-west-1.amazonaws.com/1/P-StoreDead',
  queue: 'https://sqs.eu-west-1.amazonaws.com/1/P-Store',
};
const PLAN = { stage: 'plan', deadLetters: 'https://sqs.eu-west-1.amazonaws.com/1/P-PlanDead' };
const PROBE = {
  stage: 'probe',
  bastion: 'seoul',
  deadLetters: 'https://sqs.eu-west-1.amazonaws.com/1/P-ProbeDead',
  queue: 'https://sqs.eu-west-1.amazonaws.com/1/P-Probe',
};

function deployed(...queues: object[]): void {
  const Parameters = queues.map((queue, i) => ({ Name: `/${i}`, Value: JSON.stringify(queue) }));
  wire.answers.push({ body: { Parameters } });
}
function counted(count: number): void {
  wire.answers.push({ body: { Attributes: { ApproximateNumberOfMessages: String(count) } } });
}
function received(...bodies: string[]): void {
  const Messages = bodies.map((Body, i) => ({
    MessageId: `m${i}`,
    ReceiptHandle: `r${i}`,
    Body,
    MD5OfBody: createHash('md5').update(Body).digest('hex'),
    Attributes: { SentTimestamp: String(Date.now() - 3_700_000) },
  }));
  wire.answers.push({ body: { Messages } });
}
const actions = () => wire.asked.map(({ action }) => action);

describe('dead-letters', () => {
  it('lists the queues that the deployment recorded, in the order of the stages', async () => {
    deployed(STORE, PROBE, PLAN);
    counted(0);
    counted(2);
    received('{}');
    counted(0);
    expect(await deadLetters()).toBe(1);
    expect(printed.err).toBe('');
    expect(printed.out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'STAGE MESSAGES OLDEST',
      'plan 0 –',
      'probe (seoul) 2 1h1m',
      'store 0 –',
      '',
      '2 dead letters; `--show 3` shows them',
      '',
    ]);
    const [{ body: listing } = { body: {} }] = wire.asked;
    expect(listing).toMatchObject({ Path: '/bartizan/deployment/dead-letters', Recursive: true });
    expect(actions()).not.toContain('SendMessage');
  });

  it('reads the named deployment and no other', async () => {
    deployed(STORE);
    counted(0);
    expect(await deadLetters('--name', 'seoul')).toBe(0);
    expect(wire.asked[0]?.body).toMatchObject({ Path: '/bartizan/deployments/seoul/dead-letters' });
    expect(await deadLetters('--name', 'Seoul/../x')).toBe(2);
    expect(printed.err).toContain('--name: a name has 20 characters at most');
  });

  it('exits with 0 when there are no dead letters', async () => {
    deployed(STORE);
    counted(0);
    expect(await deadLetters()).toBe(0);
    expect(printed.out).toContain('no dead letters');
  });

  it('with --dry-run only prints its plan', async () => {
    deployed(STORE, PLAN);
    counted(4);
    received('{}');
    counted(7);
    received('{}');
    expect(await deadLetters('--redrive', '--dry-run', '--limit', '5')).toBe(0);
    expect(printed.out).toContain(
      'would send back 5 messages; 4 starts of rounds came from no queue: `--discard`',
    );
    expect(new Set(actions())).toEqual(
      new Set(['GetParametersByPath', 'GetQueueAttributes', 'ReceiveMessage']),
    );
    expect(wire.asked.filter(({ action }) => action === 'ReceiveMessage').map(({ body }) => body)).toEqual(
      [PLAN, STORE].map(({ deadLetters: QueueUrl }) =>
        expect.objectContaining({ QueueUrl, VisibilityTimeout: 0 }),
      ),
    );
  });

  it('exits with 1 when a named message cannot be sent back', async () => {
    deployed(PLAN);
    counted(4);
    received('{}');
    expect(await deadLetters('plan', '--redrive')).toBe(1);
    expect(printed.out).toContain(
      '0 messages sent back, 4 stayed; 4 starts of rounds came from no queue: `--discard`',
    );
  });

  it.each([['--dry-run'], ['--limit', '3']])('%s alone is wrong usage', async (...args) => {
    expect(await deadLetters('store', ...args)).toBe(2);
    expect(printed.err).toContain('`--limit` and `--dry-run` belong to `--redrive` or `--discard`');
  });

  it('reports why it may not send to a queue, keeps the messages, and exits with 1', async () => {
    deployed(STORE);
    counted(1);
    received('{}');
    received('{}');
    wire.answers.push(refusal('AccessDeniedException'));
    expect(await deadLetters('store', '--redrive', '--json')).toBe(1);
    expect(JSON.parse(printed.out)).toEqual([
      expect.objectContaining({
        stage: 'store',
        sentBack: 0,
        failed: 1,
        errors: [expect.stringMatching(/^queue P-Store: AccessDenied.*check credentials and policy/)],
      }),
    ]);
    expect(actions()).not.toContain('DeleteMessageBatch');
    expect(actions().at(-1)).toBe('ChangeMessageVisibility');
  });

  it.each<[what: string, prepare: () => void, message: RegExp]>([
    [
      'nothing deployed there',
      () => wire.answers.push({ body: { Parameters: [] } }),
      /nothing is deployed in eu-west-1 .*AWS_PROFILE.*npm run deploy/,
    ],
    [
      'no right to read',
      () => wire.answers.push(refusal('AccessDeniedException')),
      /parameters \/bartizan\/deployment\/dead-letters: AccessDenied.*check credentials and policy/,
    ],
    [
      'invalid credentials',
      () => wire.answers.push(refusal('UnrecognizedClientException')),
      /UnrecognizedClient.*check credentials and policy/,
    ],
    [
      'a deleted queue',
      () => {
        deployed(STORE);
        wire.answers.push(refusal('QueueDoesNotExist'));
      },
      /queue P-StoreDead: it is gone; deploy again/,
    ],
    ['parameters of another version', () => deployed({ stage: 'store' }), /another version; deploy again/],
    ['no region', () => vi.stubEnv('AWS_REGION', undefined), /no region is set; set AWS_REGION/],
  ])('explains the cause and gives advice: %s', async (_, prepare, message) => {
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    prepare();
    expect(await deadLetters()).toBe(1);
    expect(printed.out).toBe('');
    expect(printed.err).toMatch(message);
  });

  it.each([
    ['--discard'],
    ['store', '--redrive', '--discard'],
    ['stores'],
    ['--show', '0'],
    ['--show', '101'],
    ['--limit', 'all'],
  ])('%s %s %s is wrong usage', async (...args) => {
    expect(await deadLetters(...args.filter((arg) => arg !== undefined))).toBe(2);
    expect(wire.asked).toEqual([]);
  });
});
