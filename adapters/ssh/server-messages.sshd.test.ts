import { describe, expect, it } from 'vitest';
import { setupProber, startNode, target, useServers } from '../../test/openssh/servers.ts';
import { batchOf, detailOf } from '../../test/prober-fixture.ts';

useServers();

/** The failure of a node whose sshd_config also has these lines. */
async function detailWith(name: string, config: readonly string[]) {
  const { prober } = await setupProber();
  const result = await prober.probe(batchOf([target('n', await startNode(name, { config }))]));
  return detailOf(result, 'n');
}

describe('OpenSSH', () => {
  it.each([
    [
      'sftp alone',
      ['ForceCommand internal-sftp'],
      'the script ended with code 1: "This service allows sftp connections only."',
    ],
    [
      'no login',
      ['ForceCommand /usr/sbin/nologin'],
      'the script ended with code 1: "This account is currently not available."',
    ],
    [
      'a sentence on stderr',
      ['ForceCommand echo Closed until Monday >&2; exit 3'],
      'the script ended with code 3: "Closed until Monday"',
    ],
    [
      'a second factor',
      ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'],
      'accepted our key and wants a second factor (password)',
    ],
    [
      'other users',
      ['AllowUsers nobody-else', 'MaxAuthTries 1'],
      expect.stringMatching(
        /^did not let user \S+ in: "Too many authentication failures" \(SSH_MSG_DISCONNECT, code 2\)$/,
      ),
    ],
  ])('has %s, and the failure quotes it', async (name, config, detail) => {
    expect(await detailWith(name.replaceAll(' ', '-'), config)).toEqual(detail);
  });
});
