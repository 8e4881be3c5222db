import { expect, it } from 'vitest';
import { configOf, configText } from '../test/config-cases.ts';
import { timeoutsSeconds } from './timing.ts';

const { bastions, store } = configOf(configText());
const withStore = (type: string, options: Record<string, string>) =>
  timeoutsSeconds({ bastions, store: { ...store, type, options } });

it.each<[timeout: string | undefined, storeSeconds: number, evaluateSeconds: number]>([
  [undefined, 75, 120],
  ['5s', 60, 70],
  ['60s', 135, 180],
  ['20m', 900, 900],
])('with a store whose answer may take %s', (timeout, storeSeconds, evaluateSeconds) => {
  const options = { url: 'https://samples.example.net/', ...(timeout !== undefined && { timeout }) };
  const seconds = withStore('prometheus', options);
  expect([seconds.store, seconds.evaluate]).toEqual([storeSeconds, evaluateSeconds]);
});

it('the other stages do not depend on the store: the incident of a killed deliver comes back after 90 s', () => {
  const { plan, notify, deliver } = withStore('prometheus', {
    url: 'https://samples.example.net/',
    timeout: '20m',
  });
  expect({ plan, notify, deliver }).toEqual({ plan: 60, notify: 60, deliver: 60 });
});

it('a batch of probe may ask a second bastion about each node, where there are several', () => {
  const [bastion] = bastions;
  if (!bastion) throw new Error('there is no bastion');
  const deadlines = { bastionMs: 10_000, dialMs: 5_000, handshakeMs: 10_000, execMs: 15_000 };
  const one = { ...bastion, batchSize: 96, concurrency: 32, deadlines };
  // Three turns of 30 s and the login take 100 s; the function has 15 s for itself.
  expect(timeoutsSeconds({ bastions: [one], store }).probe).toBe(115);
  expect(timeoutsSeconds({ bastions: [one, { ...one, name: 'second' }], store }).probe).toBe(215);
});
