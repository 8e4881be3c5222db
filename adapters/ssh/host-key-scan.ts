import ssh2 from 'ssh2';
import type { ProbePhase } from '../../core/model.ts';
import { probeError, seconds } from './failure.ts';
import { type HostKey, hostKeyAlgorithms, hostKeyOf, type PinnedKeys } from './host-keys.ts';
import type { SshStream } from './session.ts';

/**
 * The host key that a server shows, of the type that is pinned where it has one. Nothing is authenticated: the
 * exchange ends at the key. @throws ProbeError
 */
export function scanHostKey(options: {
  stream: SshStream;
  pinned: PinnedKeys;
  phase: ProbePhase;
  deadlineMs: number;
}): Promise<HostKey> {
  const { stream, pinned, phase, deadlineMs } = options;
  const { promise, resolve, reject } = Promise.withResolvers<HostKey>();
  const client = new ssh2.Client();
  const end = () => {
    clearTimeout(timer);
    client.destroy();
    stream.destroy();
  };
  const fail = (detail: string, reason: 'timeout' | 'protocol' | 'unreachable') => {
    reject(probeError(reason, phase, detail));
    end();
  };
  const timer = setTimeout(() => fail(`no host key within ${seconds(deadlineMs)}`, 'timeout'), deadlineMs);
  client.on('error', (error: Error & { level?: string }) => {
    fail(error.message, error.level === 'client-socket' ? 'unreachable' : 'protocol');
  });
  client.on('close', () => fail('the connection was closed before a host key was shown', 'protocol'));
  client.connect({
    sock: stream,
    username: 'bartizan',
    hostVerifier: (blob: Buffer) => {
      resolve(hostKeyOf(blob));
      setImmediate(end);
      return false;
    },
    algorithms: { serverHostKey: hostKeyAlgorithms(pinned) as never },
    readyTimeout: 0,
  });
  return promise;
}
