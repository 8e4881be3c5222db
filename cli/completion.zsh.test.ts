import { afterAll, beforeAll, expect, it } from 'vitest';
import { createShellFixture, type ShellFixture } from '../test/shell-fixture.ts';

let fixture: ShellFixture;
beforeAll(() => {
  fixture = createShellFixture();
});
afterAll(() => fixture.close());

/** The functions of zsh's completion work only while somebody types; these print their arguments. */
const zsh = (...args: string[]) =>
  fixture.run(
    'zsh',
    `compdef() { print -r -- "compdef $*" }
_files() { print files }
_describe() { print -r -l -- "\${(@P)2}" }
compadd() { print -r -- "compadd $1 '$2' $3"; print -r -l -- "\${(@P)4}" }
source ./completion.zsh
words=(${args.map((text) => `'${text}'`).join(' ')})
CURRENT=\${#words}
_bartizan || print nothing`,
  );

it.each([
  [
    ['bartizan', 'pro'],
    'probe:Probe nodes once through their bastions, and print the result. Stores nothing.',
  ],
  [['bartizan', 'probe', ''], '한빛:cluster\n한빛/노드-1:etcd'],
  [['bartizan', 'query', 'up', '-w', 'cluster='], 'cluster=한빛'],
  [['bartizan', 'query', 'up', '-w', 'clu'], "compadd -S '' -a\ncluster="],
  [['bartizan', 'check', ''], 'files'],
  [['bartizan', 'notify-test', 'x'], 'nothing'],
])('zsh completes %j', async (args, expected) => {
  expect(await zsh(...args)).toBe(`compdef _bartizan bartizan\n${expected}`);
});
