import { expect, it } from 'vitest';
import type { ServiceAnswer } from '../adapters/ssh/service-scan.ts';
import type { ConnectRow } from './connect-row.ts';
import { withServices } from './service-check.ts';

const ROW: ConnectRow = { kind: 'node', name: 'prod/n', state: 'ok', detail: 'fine' };
const PROBE = { user: 'probe', forwardsSockets: false, acceptsRoot: false };
const etcd: ServiceAnswer = { via: 'node', host: '127.0.0.1', port: 2381, outcome: 'answers', detail: '' };
const apiserver: ServiceAnswer = {
  via: 'bastion',
  host: '10.0.0.1',
  port: 6443,
  outcome: 'answers',
  detail: '',
};
const not = (service: ServiceAnswer, outcome: ServiceAnswer['outcome']): ServiceAnswer => ({
  ...service,
  outcome,
  detail: `${outcome}!`,
});
const ROOT = 'our user is root, and nothing but the line of its key confines what sshd forwards';
const SOCKETS = 'sshd forwards Unix sockets for our key, and that of docker or containerd makes a user root';

it.each<[string, ServiceAnswer[], Partial<typeof PROBE>, Partial<ConnectRow>]>([
  ['nothing that it needs', [], { user: 'root', forwardsSockets: true }, ROW],
  [
    'what answers',
    [etcd, apiserver],
    {},
    { state: 'ok', detail: 'fine; 127.0.0.1:2381 answers the node; 10.0.0.1:6443 answers the bastion' },
  ],
  [
    'what does not answer, and why',
    [not(etcd, 'unreachable'), apiserver],
    {},
    {
      state: 'warning',
      detail: 'fine; unreachable!; 10.0.0.1:6443 answers the bastion',
      advice: 'correct `port` and `via` of the check, or its `where`',
    },
  ],
  [
    'some of the ports that a node may have',
    [
      apiserver,
      ...[9345, 10257].map((port) => ({
        ...not({ ...apiserver, port }, 'unreachable'),
        optional: true as const,
      })),
    ],
    {},
    {
      state: 'ok',
      detail:
        'fine; 10.0.0.1:6443 answers the bastion; no answer on 9345, 10257 of 10.0.0.1, which need not be',
    },
  ],
  [
    'a port that it may have, to which our key may not connect',
    [{ ...not(apiserver, 'forbidden'), optional: true }],
    {},
    { state: 'failed', detail: 'fine; forbidden!' },
  ],
  [
    'what our key may not connect to',
    [not(etcd, 'forbidden')],
    {},
    {
      state: 'failed',
      detail: 'fine; forbidden!',
      advice: expect.stringMatching(/block and line .*`bartizan keys`/),
    },
  ],
  [
    'no forwarding for root',
    [etcd],
    { user: 'root' },
    {
      state: 'failed',
      detail: `fine; \`via: node\` is refused: ${ROOT}; 127.0.0.1:2381 answers the node`,
      advice: expect.stringMatching(
        /^log in there as a user of our own, or accept .*`acceptsRootByForwarding: true`/,
      ),
    },
  ],
  [
    'no forwarding where it opens Unix sockets',
    [etcd],
    { forwardsSockets: true },
    {
      state: 'failed',
      detail: `fine; \`via: node\` is refused: ${SOCKETS}; 127.0.0.1:2381 answers the node`,
      advice: expect.stringMatching(/^put the block of sshd_config .* first, or accept/),
    },
  ],
  [
    'forwarding for root that is accepted, with a warning',
    [etcd],
    { user: 'root', acceptsRoot: true },
    {
      state: 'warning',
      detail: `fine; accepted by the configuration: ${ROOT}; 127.0.0.1:2381 answers the node`,
    },
  ],
  [
    'a user root whose services are asked from the bastion',
    [apiserver],
    { user: 'root', forwardsSockets: true },
    { state: 'ok', detail: 'fine; 10.0.0.1:6443 answers the bastion' },
  ],
])('a node has %s', (_, answers, forwarding, expected) => {
  expect(withServices(ROW, answers, { ...PROBE, ...forwarding })).toMatchObject(expected);
});

it('adds to what the row has already', () => {
  const row: ConnectRow = { ...ROW, state: 'failed', advice: 'first' };
  expect(withServices(row, [not(etcd, 'timeout')], PROBE)).toMatchObject({
    state: 'failed',
    advice: 'first; correct `port` and `via` of the check, or its `where`',
    services: [not(etcd, 'timeout')],
  });
});
