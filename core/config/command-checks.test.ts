import { describe, expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { configOf, configText, problemsOf } from '../../test/config-cases.ts';

const ENTRY = '{ name: lag, script: "echo 1" }';
const text = (commands: string, checks = '{ name: own, probe: command, command: lag }') =>
  configText({
    more: `commands: [${commands}]\nchecks: [{ name: usage, probe: usage }, ${checks}]\n`,
  });
const problems = (file: string) =>
  problemsOf(file, { kinds: KINDS }).map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

describe('a check of the catalogue', () => {
  it('has the entry that it names, with its defaults', () => {
    const { commands, checks } = configOf(text(ENTRY), { kinds: KINDS });
    const entry = { name: 'lag', script: 'echo 1', timeoutMs: 10_000, maxOutputBytes: 65_536, where: {} };
    expect(commands).toEqual([entry]);
    expect(checks.map(({ name, command }) => [name, command])).toEqual([
      ['usage', undefined],
      ['own', entry],
    ]);
    expect(problems(text(ENTRY))).toEqual([]);
  });

  it('keeps a script as it is written, over several lines', () => {
    const script = 'set -- a\n  echo "$1" ${HOME:-none} ${file:-x}\n';
    const file = `${configText()}commands:\n  - name: lag\n    script: |\n${script.replace(/^/gm, '      ').trimEnd()}\n`;
    expect(configOf(file, { kinds: KINDS }).commands[0]?.script).toBe(script);
  });

  it.each<[string, string, string]>([
    [
      'of a name that is not there',
      text('{ name: lags, script: a }'),
      'error checks[1].command: there is no command `lag`',
    ],
    [
      'in a file without a catalogue',
      configText({ more: 'checks: [{ name: own, probe: command, command: lag }]\n' }),
      'error checks[0].command: there is no command `lag`',
    ],
    [
      'that takes longer than a deadline',
      text('{ name: lag, script: a, timeout: 15s }'),
      'warning checks[1].command: command `lag` may take 15s, and `deadlines.exec` of a bastion ends it after 15s',
    ],
  ])('%s', (_, file, problem) => {
    expect(problems(file)).toContain(problem);
  });
});

describe('an entry of the catalogue', () => {
  it.each<[string, string, RegExp]>([
    ['without a script', '{ name: lag }', /error commands\[0\]/],
    ['with an empty script', '{ name: lag, script: "\\n " }', /the script is empty/],
    ['with control characters', '{ name: lag, script: "a\\0b" }', /no control characters/],
    ['that is too long', `{ name: lag, script: "${"'".repeat(16_001)}" }`, /longer than 64 KB/],
    ['with a secret', '{ name: lag, script: "x ${env:TOKEN}" }', /`\$\{env:TOKEN\}` is not resolved here/],
    ['with a file', '{ name: lag, script: "x ${file:a}" }', /`\$\{file:a\}` is not resolved here/],
    ['that may take too long', '{ name: lag, script: a, timeout: 11m }', /at most/],
    ['with a part of a second', '{ name: lag, script: a, timeout: 1500ms }', /whole seconds/],
    ['that may print too much', '{ name: lag, script: a, maxOutput: 1MiB }', /`1KiB` to `256KiB`/],
    [
      'for a label that no node has',
      '{ name: lag, script: a, where: { nod: x } }',
      /error commands\[0\]\.where\.nod/,
    ],
    [
      'of a name that is taken',
      `${ENTRY}, ${ENTRY}`,
      /error commands\[1\]\.name: another command is called `lag`/,
    ],
  ])('%s', (_, entries, problem) => {
    expect(problems(text(entries)).join('\n')).toMatch(problem);
  });

  it('may be as long as its line of authorized_keys reads', () => {
    expect(problems(text(`{ name: lag, script: "${"'".repeat(16_000)}" }`))).toEqual([]);
  });
});
