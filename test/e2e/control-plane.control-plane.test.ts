// examples/control-plane/ as its user runs it: start it, learn the keys, probe; then make something fail by a line, and read
// what arrives at the receiver: an alert with a picture for each fault, and its end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaledMs } from '../machine-speed.ts';
import { decode, type Pixels } from '../png.ts';
import { until } from '../until.ts';

const START = fileURLToPath(new URL('../../examples/control-plane/start.ts', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
const COMMAND = /ip netns exec (\S+) npm run -s bartizan -- trust -c (\S+) --yes/;

/** A readyz whose etcd is dead takes four seconds, on any machine. */
const ROUND_S = Math.min(20, Math.ceil(scaledMs(10_000) / 1000));
/** The rules with the holds of a round or two: minutes, hours in the default ones. */
const SHORT_RULES = `
rules:
  change:
    apiserver-down: { for: ${2 * ROUND_S}s }
    apiserver-not-ready: { for: ${ROUND_S}s }
    apiserver-check: { for: ${ROUND_S}s }
    # A slow machine takes more than its five minutes for the fault of one member.
    etcd-members: { tiers: { info: { for: 1h }, warning: { for: 1h } } }
    etcd-fills: { window: { last: ${3 * ROUND_S}s }, for: ${ROUND_S}s }
`;
/** Colours of the dark theme: what fires with its threshold, and the first of the other series, through which the grid shows. */
const FIRING = (color: string) => color === 'ff6b6bff';
const NEIGHBOUR = (color: string) => /^4[4-a]9[4-a]d[4-e]ff$/.test(color);

let example: ChildProcess;
let monitor: ChildProcess | undefined;
let printed = '';
let namespace: string;
let file: string;

beforeAll(async () => {
  example = spawn(process.execPath, [START], { stdio: ['pipe', 'pipe', 'inherit'] });
  example.stdout?.setEncoding('utf8').on('data', (chunk) => {
    printed += chunk;
  });
  await once(example, 'spawn');
  await waitFor('Here, a line each');
  [, namespace = '', file = ''] = COMMAND.exec(printed) ?? [];
  // Says which parts are not the real ones.
  process.stdout.write(printed.slice(0, printed.indexOf('starting ')));
});
afterAll(() => {
  monitor?.kill('SIGKILL');
  example?.kill('SIGKILL');
});

function waitFor(text: string): Promise<void> {
  return until(
    text,
    () => {
      if (example.exitCode !== null) throw new Error(`the example ended: ${printed}`);
      return printed.includes(text);
    },
    { seen: () => printed },
  );
}

/** A line of the example's input, and the sentence that says it was carried out. */
async function carryOut(line: string, answer: string): Promise<void> {
  example.stdin?.write(`${line}\n`);
  await waitFor(answer);
}

const inWatcher = (...args: readonly string[]) => [
  'netns',
  'exec',
  namespace,
  process.execPath,
  BIN,
  ...args,
];

function bartizan(...args: readonly string[]): { status: number | null; stdout: string } {
  return spawnSync('ip', inWatcher(...args, '-c', file), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** `bartizan up` on a copy of the example's file with short holds. */
async function startMonitor(): Promise<ChildProcess> {
  const shortFile = join(dirname(file), 'short.yaml');
  const text = readFileSync(file, 'utf8').replaceAll(/every: \w+/g, `every: ${ROUND_S}s`);
  writeFileSync(shortFile, text + SHORT_RULES);
  const child = spawn('ip', inWatcher('up', '-c', shortFile), { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    log += chunk;
  });
  await until('bartizan is up', () => log.includes('bartizan is up'), { seen: () => log });
  return child;
}

/** The messages so far, each with its first line, its text and the path of its picture. */
function messages(): { headline: string; text: string; picture: string | undefined }[] {
  return [...printed.matchAll(/^((?:STILL )?FIRING|RESOLVED) .*(?:\n.+)+/gm)].map(([text]) => ({
    headline: text.split('\n')[0] ?? '',
    text,
    picture: /^picture: (.+)$/m.exec(text)?.[1],
  }));
}

async function messageWith(headline: RegExp): Promise<{ text: string; pixels: Pixels }> {
  const find = () => messages().find((one) => headline.test(one.headline) && one.picture);
  await until(String(headline), () => find() !== undefined, { seen: () => printed });
  const { text = '', picture = '' } = find() ?? {};
  return { text, pixels: decode(readFileSync(picture)) };
}

/** For each row of the plot that has the colour: its share, and how many stretches it has there. */
function rowsOf(pixels: Pixels, isColor: (color: string) => boolean): { share: number; stretches: number }[] {
  const [left, right, top, bottom] = [300, 1_900, 200, 820];
  return Array.from({ length: bottom - top }, (_, i) => {
    const row = Array.from({ length: right - left }, (__, x) => isColor(pixels.at(left + x, top + i)));
    const count = row.filter(Boolean).length;
    const stretches = row.filter((is, x) => is && !row[x - 1]).length;
    return { share: count / row.length, stretches };
  }).filter(({ share }) => share > 0);
}

function expectPicture(pixels: Pixels, { threshold }: { threshold: boolean }): void {
  expect([pixels.width, pixels.height]).toEqual([2_000, 1_000]);
  const rows = rowsOf(pixels, FIRING);
  // A threshold has more dashes than gaps from one side to the other. Series that coincide take turns, half each at most.
  const isDashed = ({ share, stretches }: (typeof rows)[number]) => share > 0.55 && stretches > 25;
  expect(rows.some(isDashed)).toBe(threshold);
  expect(rows.filter((row) => !isDashed(row)).length).toBeGreaterThan(4);
}

const FAULTS = [
  {
    fault: 'a check of readyz that fails because etcd was stopped',
    headline: 'critical · .*API server not ready, a check fails: kubeadm',
    text: /the API server of cp-2 has not been ready for \w+: check etcd fails/,
    threshold: false,
  },
  {
    fault: 'one of three API servers that is hidden by a firewall',
    headline: 'critical · API server unreachable: kubeadm / cp-1',
    text: /nothing has answered at the port of the API server of cp-1 for \w+: it is down, or a firewall hides it/,
    threshold: false,
    neighbours: true,
  },
  {
    fault: 'a certificate with six days left',
    headline: 'critical · Certificate expires: kubeadm / cp-3, file /etc/kubernetes/pki/apiserver.crt',
    text: /apiserver\.crt on cp-3 expires in 5d23h/,
    threshold: true,
  },
  {
    fault: 'the same certificate where it is served',
    headline: 'critical · Served certificate expires: kubeadm / cp-3, port 6443',
    text: /the certificate that port 6443 of cp-3 serves expires in 5d23h/,
    threshold: true,
  },
  {
    fault: 'a database that reaches its quota within a day',
    headline: 'warning · .*etcd reaches its quota: kubeadm',
    text: /etcd of cp-3 reaches its quota within 24h/,
    threshold: true,
  },
];

describe('the example', () => {
  it('is reached through its bastion', () => {
    expect(bartizan('trust', '--yes')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('4 learned'),
    });
    const { status, stdout } = bartizan('probe', '--json');
    expect(status).toBe(0);
    for (const name of ['cp-1', 'cp-2', 'cp-3']) expect(stdout).toContain(`"${name}"`);
  });

  it('refuses a line that it does not know', async () => {
    example.stdin?.write('etcd stop cp-9\nsomething else\n');
    await waitFor('no such switch; there are');
    expect(printed).toContain('no node cp-9; there are cp-1, cp-2, cp-3');
  });

  it('sends an alert with a picture for each fault, and none for an API server that hides its state', async () => {
    await carryOut(
      'access cp-3 unauthorized',
      'the API server of cp-3 is ready, unauthorized without a credential',
    );
    monitor = await startMonitor();
    await carryOut('etcd stop cp-2', 'etcd of cp-2 is stopped');
    await carryOut('firewall close cp-1', 'the firewall of cp-1 swallows connections');
    await carryOut('certificate cp-3 pki/apiserver 6d', 'pki/apiserver of cp-3 ends in 6d');
    await carryOut('grow 50000', 'etcd takes 50000 bytes a second');
    for (const { fault, headline, text, threshold, neighbours } of FAULTS) {
      const message = await messageWith(new RegExp(`^FIRING ${headline}`));
      expect([fault, message.text]).toEqual([fault, expect.stringMatching(text)]);
      expectPicture(message.pixels, { threshold });
      if (neighbours) expect(rowsOf(message.pixels, NEIGHBOUR)).not.toEqual([]);
    }
    // One cause has one message: the API server that is not ready names its checks, and nothing says so twice.
    const others = messages().filter(({ headline }) => !FAULTS.some((one) => headline.match(one.headline)));
    expect(others).toEqual([]);
    // 401 is not down: the API server of cp-3 is in no message but those on its certificate.
    expect(messages().filter(({ text }) => /API server of cp-3/.test(text))).toEqual([]);
  });

  it('sends the end of each, with a picture', async () => {
    await carryOut('etcd start cp-2', 'etcd of cp-2 is healthy');
    await carryOut('firewall open cp-1', 'the firewall of cp-1 is open');
    await carryOut('certificate cp-3 pki/apiserver 300d', 'pki/apiserver of cp-3 ends in 300d');
    await carryOut('grow 0', 'etcd takes nothing more');
    for (const { headline } of FAULTS) {
      const { pixels } = await messageWith(new RegExp(`^RESOLVED ${headline}`));
      expect([pixels.width, pixels.height]).toEqual([2_000, 1_000]);
    }
    const ended = monitor && once(monitor, 'exit');
    monitor?.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
  });

  it('ends when it is interrupted, and leaves nothing', async () => {
    const ended = once(example, 'exit');
    example.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(existsSync(dirname(file))).toBe(false);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(namespace);
  });
});
