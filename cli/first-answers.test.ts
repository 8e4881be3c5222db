import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { parseConfig } from '../core/config/parse.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { firstAnswers, parseEndpoint, parseUser } from './first-answers.ts';
import { type Ask, createQuestions } from './first-questions.ts';
import { firstConfig } from './starter.ts';

let dir: string;
const KEY = newKey();
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-first-'));
  writeFileSync(join(dir, 'key'), KEY, { mode: 0o600 });
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('an endpoint', () => {
  it.each([
    ['gate.example.net', { host: 'gate.example.net' }],
    [' gate:2222 ', { host: 'gate', port: 2222 }],
    ['probe@10.0.0.1:22', { user: 'probe', host: '10.0.0.1', port: 22 }],
    ['DOMAIN\\joe@corp@gate', { user: 'DOMAIN\\joe@corp', host: 'gate' }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['probe@[2001:db8::1]:22', { user: 'probe', host: '2001:db8::1', port: 22 }],
    ['[fe80::1%eth0]', { host: 'fe80::1%eth0' }],
  ])('%j is read', (text, expected) => {
    expect(parseEndpoint(text)).toEqual(expected);
  });

  it.each([
    ['', 'the host is missing'],
    ['probe@', 'the host is missing'],
    ['@gate', 'the user is missing'],
    ['gate:', 'the port is no number'],
    ['gate:0', 'a port is 1 to 65535'],
    ['gate:65536', 'a port is 1 to 65535'],
    ['gate:ssh', 'the port is no number'],
    ['ssh://gate', 'this is a URL'],
    ['two words', 'this is no host'],
    ['gate/path', 'this is no host'],
    ['-oProxyCommand=x@gate', 'is no user'],
    ['"root@gate"', '`"root` is no user; write host, host:port or user@host:port'],
    ['ssh://root@gate', 'is no user; write host'],
    ['ga\nte', 'this is no host'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseEndpoint(text)).toThrow(why);
  });
});

function asking(answers: Readonly<Record<string, string>>): { ask: Ask; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    ask: async ({ option, usual, read }) => {
      asked.push(option);
      return read(answers[option] ?? usual ?? '');
    },
  };
}

describe('the answers', () => {
  it('are asked for where no option has them', async () => {
    const key = join(dir, 'key');
    const { ask, asked } = asking({ '--bastion': 'gate.example.net', '--key': key, '--node': '10.0.0.9' });
    const answers = await firstAnswers({ cluster: 'prod' }, 'bartizan.yaml', ask);
    expect(asked).toEqual(['--bastion', '--user', '--key', '--node']);
    const user = answers.bastion.user;
    expect(answers).toEqual({
      bastion: { name: 'gate', host: 'gate.example.net', user },
      key: { file: key },
      cluster: 'prod',
      node: { name: 'node-1', host: '10.0.0.9', user },
    });
  });

  it('of options are not asked for; the user of the node is its own, that of --user, or that of the bastion', async () => {
    const node = { host: 'cp-1.internal', port: 2222 };
    for (const [given, user] of [
      [{ bastion: { host: 'g', user: 'a' }, node: { ...node, user: 'c' }, user: 'b' }, 'c'],
      [{ bastion: { host: 'g', user: 'a' }, node, user: 'b' }, 'b'],
      [{ bastion: { host: 'g', user: 'a' }, node }, 'a'],
    ] as const) {
      const { ask, asked } = asking({});
      const answers = await firstAnswers({ ...given, key: join(dir, 'key'), cluster: 'c' }, 'x.yaml', ask);
      expect(asked).toEqual([]);
      expect([answers.bastion.user, answers.node]).toEqual(['a', { ...node, name: 'cp-1', user }]);
    }
  });

  it('whatever they are, make a configuration without an error, with these very values', async () => {
    const host = fc.oneof(
      fc.constantFrom('no', 'true', '1.5', '0x10', '007', 'null', '2001:db8::1', 'münchen.example'),
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
    );
    const user = fc.constantFrom('root', 'no', '123', 'a.b', 'DOM\\joe', 'null', 'svc$', '1e3', 'a@b');
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    const endpoint = fc.record({ host, user, port }).map(({ port, ...rest }) => ({
      ...rest,
      ...(port !== undefined && { port }),
    }));
    await fc.assert(
      fc.asyncProperty(endpoint, endpoint, async (bastion, node) => {
        const key = join(dir, 'key');
        const answers = await firstAnswers({ bastion, node, key, cluster: '12' }, 'x.yaml', asking({}).ask);
        const parsed = parseConfig(firstConfig(answers), {
          file: 'x.yaml',
          kinds: KINDS,
          baseDir: dir,
          nowMs: 0,
          available: () => true,
        });
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
        expect(parsed.config.bastions[0]).toMatchObject(bastion);
        expect(parsed.config.clusters[0]?.name).toBe('12');
        expect(parsed.config.clusters[0]?.nodes[0]).toMatchObject(node);
      }),
      { numRuns: 40 },
    );
  });
});

describe('questions', () => {
  function terminal(answers: readonly string[]) {
    const left = [...answers];
    const questions: string[] = [];
    let interrupt = () => {};
    const fake = {
      on: (_event: string, listener: () => void) => {
        interrupt = listener;
      },
      question: async (text: string, { signal }: { signal: AbortSignal }) => {
        questions.push(text);
        const answer = left.shift() ?? '^C';
        if (answer === '^C') interrupt();
        signal.throwIfAborted();
        return answer;
      },
    } as unknown as Parameters<typeof createQuestions>[0];
    let printed = '';
    const print = (text: string) => {
      printed += text;
    };
    return { fake, questions, print, printed: () => printed };
  }
  const user = { text: 'User', option: '--user', usual: 'root', read: parseUser };
  const gate = { text: 'Bastion', option: '--bastion', read: parseEndpoint };

  it('are repeated until the answer is right, and an empty line is the usual answer', async () => {
    const { fake, questions, print, printed } = terminal(['', 'ga te', 'gate', '']);
    const ask = createQuestions(fake, { takesUsual: false, print });
    expect(await ask(gate)).toEqual({ host: 'gate' });
    expect(await ask(user)).toBe('root');
    expect(questions).toEqual(['Bastion: ', 'Bastion: ', 'Bastion: ', 'User [root]: ']);
    expect(printed()).toMatch(/^ {2}`ga te`: this is no host name/);
  });

  it('end with Ctrl-C, and after many wrong answers', async () => {
    for (const answers of [['^C'], Array<string>(50).fill('ga te')]) {
      const { fake, questions, print } = terminal(answers);
      await expect(createQuestions(fake, { takesUsual: false, print })(gate)).rejects.toThrow(
        'stopped; nothing was written',
      );
      expect(questions.length).toBeLessThan(20);
    }
  });

  it('with a usual answer are not asked where that is taken, or nobody is there', async () => {
    const { fake, questions, print } = terminal([]);
    expect(await createQuestions(fake, { takesUsual: true, print })(user)).toBe('root');
    expect(questions).toEqual([]);
    const alone = createQuestions(undefined, { takesUsual: false, print });
    expect(await alone(user)).toBe('root');
    await expect(alone(gate)).rejects.toThrow('nobody can be asked here: answer with --bastion');
  });
});
