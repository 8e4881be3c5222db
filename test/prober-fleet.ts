// Fixture for tests of the prober: a bastion for each test; closes all that a test starts.
import { afterEach, beforeEach } from 'vitest';
import { openBastionSession } from '../adapters/ssh/bastion-session.ts';
import { parseHostKey } from '../adapters/ssh/host-keys.ts';
import { parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { dial } from '../adapters/ssh/tunnel.ts';
import { healthy } from './node-behaviour.ts';
import { bastionConfig, createProberFixture, type ProberFixture, targetOf } from './prober-fixture.ts';
import {
  CLIENT_KEY,
  type FakeBastion,
  type FakeHost,
  type FakeNode,
  startFakeBastion,
  startFakeNode,
} from './ssh-fleet.ts';

type Closable = { close(): Promise<unknown> };

/** The bastion of the running test. */
export let bastion: FakeBastion;
const opened: Closable[] = [];

/** Called once by each file of tests: those share a process, and hooks belong to a file. */
export function useBastion(): void {
  beforeEach(async () => {
    bastion = await keep(startFakeBastion());
  });
  afterEach(async () => {
    for (const { close } of opened.splice(0).reverse()) await close();
  });
}

/** Closed after the test. */
export async function keep<T extends Closable>(thing: Promise<T>): Promise<T> {
  const started = await thing;
  opened.push(started);
  return started;
}

/** A prober that goes through the bastion. */
export async function setupProber(
  changes: Parameters<typeof bastionConfig>[1] = {},
  options: Partial<Parameters<typeof createProberFixture>[0]> & { host?: FakeHost } = {},
): Promise<ProberFixture> {
  const { host = bastion, ...rest } = options;
  const made = await createProberFixture({
    bastion: bastionConfig(host, changes),
    ...rest,
    keys: { client: CLIENT_KEY, ...rest.keys },
  });
  opened.push(made.prober);
  return made;
}

/** A connection to the bastion of the test, without a prober. */
export async function setupBastionConnection() {
  const session = await openBastionSession({
    bastion: bastionConfig(bastion),
    key: { key: parsePrivateKey(CLIENT_KEY, 'the key of the test') },
    pinned: { accepted: [parseHostKey(bastion.hostKey)], revoked: [] },
  });
  await keep(Promise.resolve({ close: async () => session.destroy() }));
  return { dial: (to: { host: string; port: number }) => dial(session.client, to, 10_000) };
}

export const healthyNode = (options: Parameters<typeof startFakeNode>[1] = {}): Promise<FakeNode> =>
  keep(startFakeNode(healthy, options));

export const healthyNodes = (count: number): Promise<FakeNode[]> =>
  Promise.all(Array.from({ length: count }, () => healthyNode()));

export const targetsOf = (nodes: readonly FakeNode[]) => nodes.map((node, i) => targetOf(`n${i}`, node));

/** Resolves when `condition` holds; the test's time limit bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
