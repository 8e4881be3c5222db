// Commands that make a control plane of `start.ts` fail, a line each.
import { formatDuration, parseDuration } from '../../core/duration.ts';
import type { Growth } from '../../localstack/control-plane/growth.ts';
import { CERTIFICATES } from '../../localstack/control-plane/node-files.ts';
import type { Faults } from '../../localstack/control-plane/scene.ts';

export const HELP = `  etcd stop|start NODE
  apiserver stop|start NODE
  access NODE open|unauthorized|forbidden|PATH...   whom the API server answers without a credential
  firewall close|open NODE                          of the API server's port
  certificate NODE NAME TIME                        ends after that time, such as 6d; names: ${CERTIFICATES.join(', ')}
  grow BYTES                                        a second, into etcd; 0 stops it`;

/** Returns a function that carries a line out and returns a sentence about it. @throws Error in words */
export function createSwitches(faults: Faults): (line: string) => Promise<string> {
  let growth: Growth | undefined;

  async function grow(bytesPerSecond: number): Promise<string> {
    if (!(bytesPerSecond >= 0)) throw new Error('grow needs bytes a second');
    await growth?.stop();
    const before = growth;
    growth = bytesPerSecond > 0 ? faults.growDatabase(bytesPerSecond) : undefined;
    const refusal = before?.refusal();
    const written = before
      ? `${before.writtenBytes()} bytes were written${refusal ? `, then: ${refusal}` : ''}; `
      : '';
    return `${written}etcd ${growth ? `takes ${bytesPerSecond} bytes a second` : 'takes nothing more'}`;
  }

  return async (line) => {
    const [command = '', first = '', second = '', ...more] = line.trim().split(/\s+/);
    switch (`${command} ${first}`) {
      case 'etcd stop':
        await faults.stopEtcd(second);
        return `etcd of ${second} is stopped`;
      case 'etcd start':
        await faults.startEtcd(second);
        return `etcd of ${second} is healthy`;
      case 'apiserver stop':
        await faults.stopApiserver(second);
        return `the API server of ${second} is stopped`;
      case 'apiserver start':
        await faults.startApiserver(second);
        return `the API server of ${second} is ready`;
      case 'firewall close':
        faults.hideBehindFirewall(second);
        return `the firewall of ${second} swallows connections to its API server`;
      case 'firewall open':
        faults.openFirewall(second);
        return `the firewall of ${second} is open`;
    }
    switch (command) {
      case 'access': {
        const isKeyword = second === 'open' || second === 'unauthorized' || second === 'forbidden';
        if (!isKeyword && !second.startsWith('/')) break;
        await faults.startApiserver(first, isKeyword ? second : { paths: [second, ...more] });
        return `the API server of ${first} is ready, ${[second, ...more].join(' ')} without a credential`;
      }
      case 'certificate': {
        const name = CERTIFICATES.find((each) => each === second);
        if (name === undefined || more[0] === undefined) break;
        const leftMs = parseDuration(more[0]);
        await faults.shortenCertificate(first, name, leftMs);
        return `${name} of ${first} ends in ${formatDuration(leftMs)}`;
      }
      case 'grow':
        return grow(Number(first));
    }
    throw new Error(`no such switch; there are\n${HELP}`);
  };
}
