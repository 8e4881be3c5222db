import { expect, it } from 'vitest';
import { clear, createStageFixture, fire, route, type StageFixture } from '../../test/stage-fixture.ts';
import { ConflictError } from '../errors.ts';
import { groupTransitions } from './group.ts';

it('counts what no route takes', async () => {
  const fixture = createStageFixture({ routes: [{ ...route, match: { severity: ['critical'] } }] });
  await fire(fixture);
  await fixture.notify();
  expect(fixture.sent).toEqual([]);
  expect(fixture.counted.get('transitions_unrouted_total')).toBe(1);
  expect(await fixture.state.dueOutbox(fixture.time.clock.nowMs(), 9)).toEqual([]);
});

it.each([
  ['no route takes', (fixture: StageFixture) => (fixture.config.routes = [])],
  ['a rule that is gone has left', (fixture: StageFixture) => (fixture.config.rules = [])],
])('counts what %s once, also where state fails meanwhile', async (_, edit) => {
  const fixture = createStageFixture();
  await fire(fixture);
  edit(fixture);
  let fails = 3;
  const { commitIncidents } = fixture.state;
  fixture.ports.state = {
    ...fixture.state,
    commitIncidents: async (commit) => {
      if (fails-- > 0) throw new Error('no answer');
      await commitIncidents(commit);
    },
  };
  for (let i = 0; i < 3; i++)
    await expect(groupTransitions(fixture.config, fixture.ports)).rejects.toThrow('no answer');
  await groupTransitions(fixture.config, fixture.ports);
  expect(fixture.counted.get('transitions_unrouted_total')).toBe(1);
});

it('takes the end of an alert after its beginning, also where another was first with the beginning', async () => {
  const fixture = createStageFixture();
  for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await clear(fixture, 3);
  const due = async () => await fixture.state.dueOutbox(fixture.time.clock.nowMs(), 9);
  const ofNode = (items: Awaited<ReturnType<typeof due>>, node: string) =>
    items.filter(({ transition }) => transition.labels.node === node);
  const [first] = ofNode(await due(), 'n1');
  const { commitIncidents } = fixture.state;
  let conflicts = true;
  fixture.ports.state = {
    ...fixture.state,
    commitIncidents: async (commit) => {
      if (conflicts && commit.consumed?.includes(first?.id ?? '')) throw new ConflictError('was taken');
      await commitIncidents(commit);
    },
  };
  expect(await groupTransitions(fixture.config, fixture.ports)).toBe(2);
  expect((await due()).map(({ transition }) => [transition.labels.node, transition.kind])).toEqual([
    ['n1', 'firing'],
    ['n1', 'resolved'],
  ]);
  conflicts = false;
  expect(await groupTransitions(fixture.config, fixture.ports)).toBe(2);
  const [incident] = await fixture.state.openIncidents();
  const alerts = incident?.value.alerts.map(({ labels, status }) => [labels.node, status]);
  expect(alerts?.sort()).toEqual([
    ['n1', 'resolved'],
    ['n2', 'resolved'],
  ]);
});

it('ends between two commits when its signal aborts', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  const stopped = AbortSignal.abort();
  expect(await groupTransitions(fixture.config, fixture.ports, stopped)).toBe(0);
  expect(await fixture.state.dueOutbox(fixture.time.clock.nowMs(), 9)).toHaveLength(1);
});
