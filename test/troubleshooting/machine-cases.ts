// Errors of the machine that runs Bartizan: its file, its key, its folder and port.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../cli/config-file.ts';
import { sendCommand } from '../../local/control.ts';
import { lockFolder } from '../../local/lock.ts';
import { ofFile, ofFiles, ofInit, ofKey, ofStart, ofStartBeside, takePort, thrown } from './messages.ts';
import type { Section } from './section.ts';

const KEY = 'privateKey: "${file:key}"';

export const FILES: readonly Section[] = [
  {
    title: 'The configuration',
    about: '`bartizan check` reports all errors of a file at once. `up` starts with none of them.',
    cases: [
      {
        what: 'There is no configuration',
        message: ({ dir }) => thrown(() => readConfig(join(dir, 'absent.yaml'))),
        cause: 'Commands read `bartizan.yaml` in the working folder, or the file after `-c`.',
        cure: 'Change to the folder of your file, name it with `-c`, or let `bartizan init` write one.',
      },
      {
        what: 'init does not overwrite a configuration',
        message: ofInit('FILE'),
        cause: 'The folder has a configuration, perhaps of an earlier `init` that stopped at a step.',
        cure: 'Go on with the commands that it lists. To begin anew, move the file away first.',
      },
      {
        what: 'init runs without a terminal',
        message: ({ dir }) => ofInit(join(dir, 'new.yaml'), '--key', join(dir, 'key'))({ dir } as never),
        cause: 'A script, a pipe or a container without `-it` has nobody who answers questions.',
        cure: 'Give the answers by options, and the host keys by `--fingerprint`, or by `--yes` where you trust the network.',
      },
      {
        what: 'The file is not YAML',
        message: ofFile('    bastion: seoul', '\tbastion: seoul'),
        cause:
          'YAML takes no tabs for indentation. Most other errors of this kind are a missing quote or bracket in the line above.',
        cure: 'Use spaces, and let your editor check the file: its first line names the JSON Schema that `bartizan init` wrote beside it.',
      },
      {
        what: 'A key is misspelt',
        message: ofFile('host: bastion', 'hots: bastion'),
        cause: 'Unknown keys are errors, as a typo would otherwise change nothing, silently.',
        cure: 'Take the suggestion, or look the field up in [configuration.md](configuration.md).',
      },
      {
        what: 'The user or port is in the host',
        message: ofFile('host: bastion.example.net', 'host: probe@bastion.example.net'),
        cause: '`host` is a name or an address alone, unlike the argument of `ssh`.',
        cure: 'Write `user` and `port` as fields of their own.',
      },
      {
        what: 'A secret is in the file',
        message: ofFile(KEY, 'privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----"'),
        cause: 'The configuration holds no secrets, so that it can be in a repository.',
        cure: 'Write the key into a file of mode 0600, and its path as `${file:path}`.',
      },
      {
        what: 'A reference lacks quotes',
        message: ofFile(KEY, 'privateKey: ${file:key}'),
        cause: 'Within `{ }` and `[ ]` YAML reads the brace of `${…}` as its own.',
        cure: 'Put the reference into double quotes.',
      },
      {
        what: 'A name leads nowhere',
        message: ofFile('bastion: seoul', 'bastion: soul'),
        cause: 'A cluster, route or rule names something that the file does not define.',
        cure: 'Take the suggestion, or define it.',
      },
      {
        what: 'A duration lacks its unit',
        message: ofFile('channels:', 'checks:\n  - { name: usage, probe: usage, every: 30 }\nchannels:'),
        cause: 'Numbers alone are ambiguous: 30 may be seconds or minutes.',
        cure: 'Write the unit: `30s`, `5m`, `1h30m`.',
      },
      {
        what: 'Own rules replace the default rules',
        message: ofFile(
          'channels:',
          'rules:\n  - { name: memory, metric: mem_usage, above: 95, for: 10m, severity: warning }\nchannels:',
        ),
        cause:
          'A list under `rules` replaces all rules that Bartizan brings along. It is a warning, as some people want this.',
        cure: 'Write `rules: { add: [ … ] }` to keep the default rules, and `change` or `off` for single ones.',
      },
      {
        what: 'A variable is not set',
        message: ofFile('"http://127.0.0.1:1/"', '"${env:BARTIZAN_NEVER_SET}"'),
        cause:
          'For `check` it is a warning, since the file may be checked elsewhere than it runs. `up` does not start without the value.',
        cure: 'Export the variable for the process: in the shell, the unit of the service, or the secret of the container.',
      },
    ],
  },
  {
    title: 'The private key',
    about: 'Bartizan logs in with a private key alone, never with a password.',
    cases: [
      {
        what: 'The key file is missing',
        message: ofKey('absent'),
        cause:
          'A path starts from the folder of the configuration, `~` from the home folder of the user that runs Bartizan.',
        cure: 'Correct the path. A service runs as another user than you, with another home folder: use an absolute path there.',
      },
      {
        what: 'Others may read the key',
        message: ofFiles(KEY, 'privateKey: "${file:open}"'),
        cause: 'As with OpenSSH, a private key that other users may read is refused.',
        cure: 'Run `chmod 600` on it; [files.md](files.md) has the modes for Secrets of Kubernetes and credentials of systemd.',
      },
      {
        what: 'The key has a passphrase',
        message: ofKey('locked'),
        cause: 'Nobody can type a passphrase while rounds run.',
        cure: 'Reference it in `passphrase`, or use `agent`. For a service, make a key of its own without one and confine it by the lines of `bartizan keys`.',
      },
      {
        what: 'The public key is named',
        message: ofKey('key.pub'),
        cause: 'The file that ends in `.pub` is for the servers.',
        cure: 'Name the file without `.pub`.',
      },
      {
        what: 'The file is no key',
        message: ofKey('text'),
        cause: 'It holds something else, was cut off, or is a key of PuTTY.',
        cure: 'Convert a key of PuTTY with `puttygen KEY.ppk -O private-openssh-new -o KEY`, or make one: `ssh-keygen -t ed25519 -f KEY`.',
      },
    ],
  },
];

export const START: readonly Section[] = [
  {
    title: 'The start of up, and commands beside it',
    about:
      'What `bartizan up` says when it does not start, and commands that find no `up`. The exit code is 1.',
    cases: [
      {
        what: 'Another one runs already',
        message: ofStartBeside(
          () => 'server: { listen: "127.0.0.1:0" }\nstore: { path: twice }',
          async ({ dir }) => {
            const lock = lockFolder(join(dir, 'twice'));
            return { port: 0, close: async () => lock.release() };
          },
        ),
        cause: 'Two processes on one data folder would send each message twice.',
        cure: 'Stop the other one. To try a change beside it, copy the configuration and give it a `store.path` and a `server.listen` of its own.',
      },
      {
        what: 'The port is taken',
        message: ofStartBeside((port) => `server: { listen: "127.0.0.1:${port}" }`, takePort),
        cause:
          'Another program, or another Bartizan, listens on the address of `server.listen` (9470 by default).',
        cure: 'Stop it, or choose another port.',
      },
      {
        what: 'The data folder cannot be written',
        message: ofStart(() => 'store: { path: token/data }\nserver: { listen: "127.0.0.1:0" }'),
        cause: 'The path belongs to another user, is read-only, or runs through a file.',
        cure: 'Correct `store.path`, or give the folder to the user that runs Bartizan.',
      },
      {
        what: 'A database is damaged',
        message: ofStart(
          () => 'store: { path: damaged }\nserver: { listen: "127.0.0.1:0" }',
          ({ dir }) => {
            lockFolder(join(dir, 'damaged')).release();
            writeFileSync(join(dir, 'damaged/state.db'), 'this is no database'.repeat(400), { mode: 0o600 });
            chmodSync(join(dir, 'damaged/state.db'), 0o600);
          },
        ),
        cause: 'A disk that failed, or a copy that was made while `up` ran.',
        cure: 'Do what the message lists. As a service, run `up --recover`: it then puts a damaged database aside by itself.',
      },
      {
        what: 'A reload finds no up',
        message: ({ dir }) =>
          thrown(() => sendCommand(dir, { command: 'reload', args: {} }, { timeoutMs: 5_000 })),
        cause: 'Nothing runs on the data folder that the file names, or `up` runs with another file.',
        cure: 'Start `up`, or name its folder: `bartizan reload --data FOLDER`. Run the command as the user of `up`, or as root.',
      },
    ],
  },
];
