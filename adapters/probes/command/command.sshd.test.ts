// Scripts of the catalogue on real OpenSSH nodes, through the forced command that `bartizan keys` prints.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CommandConfig } from '../../../core/model/command.ts';
import {
  dir,
  fleet,
  processesWith,
  setupProber,
  shell,
  startNode,
  target,
  until,
  useServers,
} from '../../../test/openssh/servers.ts';
import { batchOf } from '../../../test/prober-fixture.ts';
import { foundBy, notesOf } from '../../../test/services.ts';
import { nodeKeyLine } from '../../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../../ssh/private-keys.ts';
import { usageScript } from '../usage/usage.ts';
import { commandScript } from './script.ts';

useServers();

const SCRIPT = `# it's "quoted", \`odd\` and \\ escaped
read -r line || line=none
lag() { printf 'lag: %s\\n' "$1"; }
lag "$((5 + 7))"
printf '%s' "$line $# é한"
cat
exit 3
`;
const entryOf = (changes: Partial<CommandConfig> = {}): CommandConfig => ({
  name: 'own',
  script: SCRIPT,
  timeoutMs: 10_000,
  maxOutputBytes: 65_536,
  where: {},
  ...changes,
});
const OPTIONS = { command: 'own', patterns: { lag: '^lag: ([0-9]+)$' } };
const keyLine = (scripts: Parameters<typeof nodeKeyLine>[1], program: string) => {
  const key = { key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') };
  return `${nodeKeyLine(key, scripts).replace('exec sh -s', `exec ${program} -s`)}\n`;
};

/** One round of `usage` and the script. */
async function probe(entry: CommandConfig, nodes: Awaited<ReturnType<typeof startNode>>[]) {
  const { prober, audit } = await setupProber(
    {},
    { checks: [{ name: 'own', probe: 'command', command: entry, options: OPTIONS }] },
  );
  const targets = nodes.map((node) => target(node.name, node));
  const { observations } = await prober.probe(batchOf(targets, { checks: ['usage', 'own'] }));
  await prober.close();
  const exits = audit.filter((one) => one.command?.startsWith('own@')).map(({ exitCode }) => exitCode);
  const seen = (name: string) => ({
    found: foundBy(observations, 'own', name),
    notes: notesOf(observations, 'own', name),
    up: observations.some(
      ({ check, target: { node }, result }) => check === 'usage' && node === name && result.ok,
    ),
  });
  return Object.assign(seen, { exits });
}

it('a script runs with an empty stdin, in dash, bash and busybox, confined or not', async () => {
  const entry = entryOf();
  const scripts = [usageScript(), commandScript(entry)];
  const nodes = await Promise.all([
    ...['dash', 'bash', 'bash --posix', 'busybox sh'].map((program) =>
      startNode(program.replaceAll(/\W+/g, '-'), { authorizedKeys: keyLine(scripts, program) }),
    ),
    startNode('free', { command: shell('bash') }),
  ]);
  const seen = await probe(entry, nodes);
  expect(seen.exits).toEqual(nodes.map(() => 3));
  for (const { name } of nodes) {
    expect([name, seen(name)]).toEqual([
      name,
      {
        found: ['check_value{lag} 12', 'command_exit 3', 'command_ok 0'],
        notes: ['it ended with code 3, expected is 0: "lag: 12"'],
        up: true,
      },
    ]);
  }
});

it('a script that was changed in any way is refused by the line of before, at no cost to other checks', async () => {
  const authorizedKeys = keyLine([usageScript(), commandScript(entryOf())], 'sh');
  const node = await startNode('before', { authorizedKeys });
  for (const changed of [entryOf({ script: `${SCRIPT} ` }), entryOf({ timeoutMs: 11_000 })]) {
    const seen = (await probe(changed, [node]))('before');
    expect(seen).toEqual({
      found: ['failed: command/exec'],
      notes: [
        expect.stringMatching(
          /does not allow our script own@[0-9a-f]{8} \(print it again: `bartizan keys`\)/,
        ),
      ],
      up: true,
    });
  }
});

it('a script that takes too long is ended on the node, with what it started', async () => {
  const entry = entryOf({ script: 'sleep 300 & sleep 300; echo late', timeoutMs: 1_000 });
  const mark = 'BARTIZAN_MARK=command-timeout';
  const node = await startNode('slow', { command: `export ${mark}; ${shell('sh')}` });
  const seen = (await probe(entry, [node]))('slow');
  expect(seen).toEqual({
    found: ['command_exit 124', 'command_ok 0'],
    notes: [expect.stringMatching(/takes longer than 1 s/), expect.stringMatching(/^no value lag/)],
    up: true,
  });
  await until(() => processesWith(mark).length === 0);
});

it('without `timeout` on the node our own limit ends it, and says nothing about the node', async () => {
  const bin = join(dir, 'no-timeout');
  mkdirSync(bin);
  for (const program of ['sh', 'sleep']) symlinkSync(`/bin/${program}`, join(bin, program));
  const node = await startNode('plain', { command: `export PATH=${bin}; ${shell('sh')}` });
  const fine = (await probe(entryOf({ script: "echo 'lag: 1'" }), [node]))('plain');
  expect(fine.found).toEqual(['check_value{lag} 1', 'command_exit 0', 'command_ok 1']);
  const late = (await probe(entryOf({ script: 'sleep 8', timeoutMs: 1_000 }), [node]))('plain');
  expect(late).toEqual({
    found: ['failed: timeout/exec'],
    notes: ['the script did not end within 4 s'],
    up: true,
  });
});
