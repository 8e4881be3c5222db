// A secret that was rotated while an old value is kept: the message that is refused for it is sent again with the new one.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { everythingIn } from '../../test/contract/channel-harness.ts';
import { channelFixture, type ReceivedRequest } from '../../test/contract/channel-service.ts';
import { sampleNotification } from '../../test/contract/notifications.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { CHANNELS, createChannels } from './registry.ts';

/** A type of channel; its secrets are parameters of Systems Manager, named as in the fixture's `env`. */
interface Subject {
  options: (base: string) => Record<string, unknown>;
  parameters: readonly string[];
  acceptedBody: string;
  /** The only parameter is a whole address, with the value in its path. */
  isAddress: boolean;
  isRight: (request: ReceivedRequest, values: ReadonlyMap<string, string>) => boolean;
}

const holds = ({ path, headers }: ReceivedRequest, value = '?') =>
  JSON.stringify([path, headers]).includes(value);

async function subjectOf(type: string): Promise<Subject> {
  const { services, acceptedBody, carriesSecrets } = await channelFixture(type);
  const [service] = services;
  const env = service.env('http://base');
  return {
    options: (base) => JSON.parse(JSON.stringify(service.options(base)).replaceAll('${env:', '${ssm:/')),
    parameters: Object.keys(env).map((name) => `/${name}`),
    acceptedBody,
    isAddress: Object.values(env).some((value) => value.startsWith('http://base')),
    isRight: (request, values) =>
      carriesSecrets?.(request, new Map([...values].map(([name, value]) => [name.slice(1), value]))) ??
      [...values.values()].every((value) => holds(request, value)),
  };
}

const SUBJECTS = new Map<string, Subject>();
for (const { type } of CHANNELS) SUBJECTS.set(type, await subjectOf(type));

let server: Server;
let base: string;
let asked: ReceivedRequest[];
let reads: number;
/** Values in Systems Manager; undefined where we may not read them. */
let parameters: Map<string, string> | undefined;
let throttled = false;
/** What the service takes, and how it refuses all else. */
let taken: ReadonlyMap<string, string>;
let refusal: number;
let subject: Subject;
let nowMs: number;
const valuesOf = (generation: string) =>
  new Map(subject.parameters.map((name) => [name, `value${name.slice(1)}of${generation}x7Q`]));

beforeEach(async () => {
  asked = [];
  reads = 0;
  nowMs = 0;
  refusal = 400;
  throttled = false;
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { method = '', url: path = '', headers } = request;
    if (headers['x-amz-target'] !== undefined) {
      // One name, or several that are asked for together.
      const { Name: one, Names = [one ?? ''] } = JSON.parse(body.toString('utf8')) as {
        Name?: string;
        Names?: string[];
      };
      reads += Names.length;
      const Parameters = Names.flatMap((Name) => {
        const value = parameters?.get(Name);
        if (value === undefined) return [];
        return [{ Name, Value: subject.isAddress && Name !== '/proxy' ? `${base}/hooks/${value}` : value }];
      });
      const kind = throttled ? 'ThrottlingException' : 'AccessDeniedException';
      const denied = { __type: kind, message: 'no' };
      response.writeHead(parameters && !throttled ? 200 : 400, {
        'content-type': 'application/x-amz-json-1.0',
      });
      const found = one === undefined ? { Parameters } : { Parameter: Parameters[0] };
      return response.end(JSON.stringify(parameters && !throttled ? found : denied));
    }
    const received = { method, path, headers, body };
    asked.push(received);
    const right = subject.isRight(received, taken);
    response.writeHead(right ? 200 : refusal).end(right ? subject.acceptedBody : 'no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

/** The channel while the first values are kept; `more` are further options. */
async function open(type: string, more: Record<string, unknown> = {}) {
  const logger = createRecordingLogger();
  const aws = { endpoint: base, region: 'r', credentials: { accessKeyId: 'k', secretAccessKey: 's' } };
  const secrets = createSecrets({ baseDir: '/', aws, nowMs: () => nowMs });
  const options = { ...subject.options(base), ...more };
  const channels = await createChannels([{ name: 'ops', type, theme: 'dark', options }], {
    secrets,
    clock: { nowMs: () => nowMs },
    logger,
  });
  nowMs += 20_000;
  const send = async () => {
    const { signal } = new AbortController();
    return await channels.get('ops')?.send(sampleNotification(), undefined, { signal });
  };
  return { send, logger };
}

function start(type: string): Subject {
  subject = SUBJECTS.get(type) as Subject;
  parameters = valuesOf('first');
  taken = valuesOf('first');
  return subject;
}

describe.each([...SUBJECTS.keys()])('%s', (type) => {
  it.each([400, 401, 403, 404, 407, 410, 422])(
    'is refused with %i for a secret that was rotated, and sent again at once with the new one',
    async (status) => {
      for (const rotated of start(type).parameters) {
        start(type);
        refusal = status;
        const { send, logger } = await open(type);
        taken = new Map([...taken, [rotated, `rotated${rotated.slice(1)}value9Z`]]);
        parameters = new Map(taken);
        asked = [];
        await expect(send()).resolves.toMatchObject({ detail: expect.any(String) });
        // Slack and Telegram try a refused layout more plainly; none of these is one.
        expect(asked).toHaveLength(2);
        expect(logger.lines.map(({ message }) => message)).toEqual([
          'refused, but a secret has changed: it is tried once more with the new value',
        ]);
        const shown = everythingIn(logger.lines);
        for (const value of [...taken.values(), ...valuesOf('first').values()])
          expect(shown).not.toContain(value);
        await send();
        expect(asked).toHaveLength(3);
      }
    },
  );

  it('is not sent again when the secret is the same, and asks for it once', async () => {
    start(type);
    const { send } = await open(type);
    taken = valuesOf('second');
    reads = 0;
    asked = [];
    await expect(send()).rejects.toThrow(PermanentError);
    expect([asked.length, reads]).toEqual([1, subject.parameters.length]);
  });

  it('is refused once more with the new secret: then no third time', async () => {
    start(type);
    const { send } = await open(type);
    taken = valuesOf('second');
    parameters = valuesOf('third');
    asked = [];
    await expect(send()).rejects.toThrow(PermanentError);
    expect(asked).toHaveLength(2);
  });

  it('fails as before when the secret cannot be read anew, and says why', async () => {
    start(type);
    const { send } = await open(type);
    taken = valuesOf('second');
    parameters = undefined;
    asked = [];
    const error = await send().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PermanentError);
    expect(String(error)).toMatch(
      /answered 400.*; its secrets cannot be read again: \$\{ssm:\/\w+\}: AccessDenied/,
    );
    for (const value of valuesOf('first').values()) expect(everythingIn(error)).not.toContain(value);
    expect(asked).toHaveLength(1);
  });

  it('may pass where its secret cannot be read anew for now', async () => {
    start(type);
    const { send } = await open(type);
    taken = valuesOf('second');
    throttled = true;
    const error = await send().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RetryableError);
    expect(String(error)).toMatch(/answered 400.*; its secrets cannot be read again: .*ThrottlingException/);
  });

  it('after a failure that may pass reads its secret anew with the next try', async () => {
    start(type);
    refusal = 500;
    const { send } = await open(type);
    taken = valuesOf('second');
    parameters = valuesOf('second');
    await expect(send()).rejects.toThrow(RetryableError);
    await expect(send()).resolves.toMatchObject({ detail: expect.any(String) });
  });

  it('with a wrong login at a proxy is sent again too', async () => {
    start(type);
    const { host } = new URL(base);
    const proxy = `http://user:\${ssm:/proxy}@${host}`;
    const login = (password: string) => Buffer.from(`user:${password}`).toString('base64');
    const { isRight } = subject;
    let password = 'first-password';
    subject = {
      ...subject,
      isRight: (request, values) => isRight(request, values) && holds(request, login(password)),
    };
    parameters?.set('/proxy', password);
    refusal = 407;
    const { send } = await open(type, { proxy });
    password = 'second-password';
    parameters?.set('/proxy', password);
    asked = [];
    await expect(send()).resolves.toMatchObject({ detail: expect.any(String) });
    expect(asked).toHaveLength(2);
  });
});

it('a secret that the configuration cannot name is reported as before', async () => {
  start('slack');
  parameters = undefined;
  await expect(open('slack')).rejects.toThrow(ConfigError);
});
