import { describe, expect, it } from 'vitest';
import type { CommandConfig } from '../../../core/model/command.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { answer, flood, healthy, silent } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { keep, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { foundBy, notesOf } from '../../../test/services.ts';
import { type Behaviour, startFakeNode } from '../../../test/ssh-fleet.ts';
import { MAX_SCRIPT_BYTES } from '../../ssh/authorized-keys.ts';
import { command } from './command.ts';
import { commandScript } from './script.ts';

useBastion();

const ENTRY: CommandConfig = {
  name: 'lag',
  script: "echo 'lag: 12'",
  timeoutMs: 10_000,
  maxOutputBytes: 8_192,
  where: {},
};
const printed = (text: string, code = 0) => `@bartizan begin\n${text}\n@bartizan end ${code}\n`;

/** One round of `usage` and the command on a node that answers the command so. */
async function setup(behave: Behaviour, options: Record<string, unknown> = {}, entry = ENTRY) {
  const script = commandScript(entry);
  const node = await keep(
    startFakeNode((channel, sent, count) => (sent === script.text ? behave : healthy)(channel, sent, count)),
  );
  const checks = [
    { name: 'own', probe: 'command', command: entry, options: { command: entry.name, ...options } },
  ];
  const { prober, audit } = await setupProber({ deadlines: { execMs: 500 } }, { checks });
  const round = async (roundMs: number, names = ['usage', 'own']) => {
    const { observations } = await prober.probe(batchOf([targetOf('n', node)], { checks: names, roundMs }));
    return {
      found: foundBy(observations, 'own'),
      notes: notesOf(observations, 'own'),
      usage: foundBy(observations, 'usage').includes('load1 1'),
    };
  };
  return { round, audit, node, script };
}

const answering =
  (text: string, code = 0): Behaviour =>
  (channel) =>
    answer(channel, printed(text, code), code);

describe('a script that ended', () => {
  it.each<[string, Behaviour, Record<string, unknown>, string[], RegExp[]]>([
    ['with 0', answering('fine'), {}, ['command_exit 0', 'command_ok 1'], []],
    [
      'with 3',
      answering('ill', 3),
      {},
      ['command_exit 3', 'command_ok 0'],
      [/^it ended with code 3, expected is 0: "ill"$/],
    ],
    ['with 3, expected', answering('', 3), { exit: [0, 3] }, ['command_exit 3', 'command_ok 1'], []],
    ['with 124', answering('', 124), {}, ['command_exit 124', 'command_ok 0'], [/takes longer than 10 s/]],
    [
      'after noise of a login shell',
      (channel) => answer(channel, `*** Welcome ***${printed('lag: 4')}bye\n`),
      { patterns: { lag: '^lag: ([0-9]+)$' } },
      ['check_value{lag} 4', 'command_exit 0', 'command_ok 1'],
      [],
    ],
    [
      'with numbers in lines',
      answering('a 1\nlag: -1.5 s\nlag: 7 s\nodd: x'),
      { patterns: { lag: '^lag: (\\S+)', odd: '^odd: (.*)', none: '^none: ([0-9]+)' } },
      ['check_value{lag} -1.5', 'command_exit 0', 'command_ok 1'],
      [
        /^no value odd: the parentheses of its pattern hold no number$/,
        /^no value none: no line of the output matches its pattern$/,
      ],
    ],
    [
      'with numbers in JSON',
      answering('{"raft": {"lag": 3}, "ok": true}\n'),
      { values: { lag: '$.raft.lag', ok: 'ok', none: 'a' } },
      ['check_value{lag} 3', 'check_value{ok} 1', 'command_exit 0', 'command_ok 1'],
      [/^no value none: at a there is nothing$/],
    ],
    [
      'with what is no JSON',
      answering('Error: no such key'),
      { values: { lag: '$.lag' } },
      ['command_exit 0', 'command_ok 1'],
      [/^no values: the output is not JSON$/],
    ],
    [
      'and complained',
      (channel) => {
        channel.stderr.write('warning: \u001b[31mold\u0007\nmore');
        answer(channel, printed(''));
      },
      {},
      ['command_exit 0', 'command_ok 1'],
      [/^stderr: warning: \S*old/],
    ],
  ])('%s', async (_, behave, options, found, notes) => {
    const { round } = await setup(behave, options);
    const result = await round(60_000);
    expect(result.found).toEqual(found);
    expect(result.notes).toEqual(notes.map((note) => expect.stringMatching(note)));
    expect(result.usage).toBe(true);
  });

  it('is sent over the session of the round, as the text of the catalogue, and audited with its hash', async () => {
    const { round, audit, node, script } = await setup(answering(''));
    await round(60_000);
    // A login is renewed for the first time after a minute or more, by the hash of its address.
    await round(70_000);
    expect(node.logins).toBe(1);
    expect(audit.filter((entry) => entry.command === script.name)).toMatchObject([
      { commandSha256: script.sha256, exitCode: 0, outcome: 'ok' },
      { commandSha256: script.sha256, exitCode: 0, outcome: 'ok' },
    ]);
  });
});

describe('a script that did not run to its end costs its own check only', () => {
  it.each<[string, Behaviour, string, RegExp]>([
    [
      'the line of the node does not permit it',
      (channel) => answer(channel, '', 126),
      'failed: command/exec',
      /its authorized_keys line does not allow our script lag@[0-9a-f]{8} \(print it again: `bartizan keys`\)/,
    ],
    [
      'another forced command answers',
      (channel) => answer(channel, 'not today\n', 1),
      'failed: command/exec',
      /^the script ended with code 1: "not today"$/,
    ],
    [
      'it is cut short',
      (channel) => answer(channel, '@bartizan begin\n12\n'),
      'failed: output/exec',
      /none of them the script's/,
    ],
    [
      'it prints too much',
      (channel) => flood(channel),
      'failed: output/exec',
      /^cut off after 8192 bytes of output$/,
    ],
    [
      'it prints lines without end',
      (channel) => flood(channel, undefined, 2 ** 26, '\n'),
      'failed: output/exec',
      /^cut off/,
    ],
    ['it never ends', silent, 'failed: timeout/exec', /^the script did not end within/],
  ])('%s', async (_, behave, failure, detail) => {
    const { round } = await setup(behave);
    const result = await round(60_000);
    expect(result).toEqual({ found: [failure], notes: [expect.stringMatching(detail)], usage: true });
  });

  it('output that is made for patterns that backtrack, or for large repetitions, takes little time', async () => {
    const hostile = `${'a'.repeat(1_024)}\n`.repeat(60);
    const entry = { ...ENTRY, maxOutputBytes: 65_536 };
    const patterns = Object.fromEntries(
      ['(a+)+([0-9])', '([a-z]{1,50}){1,4}([0-9])', '(?s)(.{1,200}){1,1}([0-9])'].map((one, i) => [
        `p${i}`,
        one,
      ]),
    );
    const { round } = await setup(answering(hostile), { patterns }, entry);
    const startMs = performance.now();
    const { found, notes } = await round(60_000);
    expect(performance.now() - startMs).toBeLessThan(scaledMs(2_000));
    expect(found).toEqual(['command_exit 0', 'command_ok 1']);
    expect(notes[0]).toBe('no value p0: no line of the beginning of the output matches its pattern');
  });
});

describe('what is sent', () => {
  it('is the text as it is, whatever quotation marks it has', () => {
    const { text, sha256, name } = commandScript({ ...ENTRY, script: 'echo \'a\'"b"\necho $((1+1))\n' });
    expect(text).toContain("sh -c 'echo '\\''a'\\''\"b\"\necho $((1+1))\n' </dev/null");
    expect(sha256).not.toBe(commandScript(ENTRY).sha256);
    expect(name).toBe(`lag@${sha256.slice(0, 8)}`);
  });

  it('has another hash with another time limit, and fits through the line of a node at its longest', () => {
    expect(commandScript({ ...ENTRY, timeoutMs: 11_000 }).sha256).not.toBe(commandScript(ENTRY).sha256);
    const { text } = commandScript({ ...ENTRY, script: "'".repeat(16_000), timeoutMs: 600_000 });
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_SCRIPT_BYTES);
  });
});

it.each<[Record<string, unknown>, RegExp]>([
  [{}, /./],
  [{ command: 'a', exit: [] }, /./],
  [{ command: 'a', exit: [256] }, /./],
  [{ command: 'a', patterns: { n: '[0-9]+' } }, /put parentheses around the number/],
  [{ command: 'a', patterns: { n: '(' } }, /no regular expression/],
  [{ command: 'a', patterns: { n: '(?=a)(b)' } }, /no regular expression/],
  [{ command: 'a', patterns: { n: '([a-z]{1,200}){1,4}' } }, /takes too long to match/],
  [{ command: 'a', patterns: { 'a b': '(a)' } }, /./],
  [{ command: 'a', patterns: { n: '(a)' }, values: { n: '$.a' } }, /a value is called so already/],
])('the options %j are refused', (options, message) => {
  const issues = command.options.safeParse(options).error?.issues ?? [];
  expect(issues.map((issue) => issue.message).join('\n')).toMatch(message);
});
