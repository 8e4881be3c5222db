// The check on real OpenSSH nodes, through the forced command that `bartizan keys` prints.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { dir, fleet, setupProber, startNode, target, useServers } from '../../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes } from '../../../test/prober-fixture.ts';
import { nodeKeyLine } from '../../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../../ssh/private-keys.ts';
import { usageScript } from '../usage/usage.ts';
import { pkiScript } from './pki.ts';

useServers();

let paths: string[];
beforeAll(async () => {
  const folder = join(dir, 'pki');
  mkdirSync(folder);
  const authority = await makeAuthority();
  const { cert, key } = await makeCertificate(['a.example'], { authority });
  writeFileSync(join(folder, 'bundle.pem'), key + cert + authority.cert);
  paths = [folder];
});

it('reads certificates where the line allows its script, and costs other checks nothing where it does not', async () => {
  const key = { key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') };
  const before = nodeKeyLine(key, [usageScript()]);
  const after = nodeKeyLine(key, [usageScript(), pkiScript({ paths })]);
  const nodes = await Promise.all([
    startNode('before', { authorizedKeys: `${before}\n` }),
    startNode('after', { authorizedKeys: `${after}\n` }),
  ]);
  const targets = nodes.map((node) => target(node.name, node));
  const { prober, audit } = await setupProber(
    {},
    { checks: [{ name: 'pki', probe: 'pki', options: { paths } }] },
  );
  const result = await prober.probe(batchOf(targets, { checks: ['usage', 'pki'] }));
  expect(outcomes(result)).toEqual(['after: ok', 'after: ok', 'before: command/exec', 'before: ok']);
  const failed = result.observations.filter(({ result: { ok } }) => !ok);
  expect(detailOf({ ...result, observations: failed }, 'before')).toMatch(
    /code 126: its authorized_keys line does not allow our script pki-[0-9a-f]{8}@1 \(print it again: `bartizan keys`\)/,
  );
  const files = result.observations.flatMap(({ result: { ok, ...seen } }) =>
    ok && 'samples' in seen
      ? seen.samples.filter(({ metric }) => metric === 'cert_expiry').map(({ labels }) => labels.file)
      : [],
  );
  expect(files).toEqual([`${paths[0]}/bundle.pem`, `${paths[0]}/bundle.pem#2`]);
  expect(audit.filter(({ command }) => command === pkiScript({ paths }).name)).toMatchObject([
    { commandSha256: pkiScript({ paths }).sha256 },
    { commandSha256: pkiScript({ paths }).sha256 },
  ]);
});
