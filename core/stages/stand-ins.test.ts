import { describe, expect, it } from 'vitest';
import { channel, passes, refuse, restarted } from '../../test/stage-changes.ts';
import { clear, createWorld, fire, route } from '../../test/stage-world.ts';

describe('a fallback, after a change of the configuration,', () => {
  it('a fallback that was sent the firing is sent the end, also when it is no fallback any more', async () => {
    const withSpare = [channel('ops', 'spare'), channel('spare')];
    const world = createWorld({ channels: withSpare });
    world.answers.ops = refuse;
    await fire(world);
    await passes(world, [2, 2.1]);
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(world, { channels: [channel('ops'), channel('spare')] }, 4);
    next.answers.ops = refuse;
    await next.notify();
    await clear(next, 5);
    await passes(next, [5, 10]);
    expect(next.said()).toEqual(['spare 2 all-resolved resolved n1:resolved']);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('a fallback that has the alert from before the routes changed is not handed it again', async () => {
    const channels = [channel('ops', 'spare'), channel('spare')];
    const world = createWorld({ channels });
    world.answers.ops = refuse;
    await fire(world);
    await passes(world, [2, 2.1]);
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(world, { channels, routes: [{ ...route, name: 'other', groupBy: ['node'] }] }, 4);
    next.answers.ops = refuse;
    await passes(next, [4, 5, 10, 11]);
    expect(next.said()).toEqual([]);
    await clear(next, 12);
    await passes(next, [12, 13]);
    expect(next.said()).toEqual(['spare 2 all-resolved resolved n1:resolved']);
  });

  it('when a fallback that was sent the firing is gone, the channel that it stood in for owes the end', async () => {
    const world = createWorld({ channels: [channel('ops', 'spare'), channel('spare')] });
    world.answers.ops = refuse;
    await fire(world);
    await passes(world, [2, 2.1]);
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(world, { channels: [channel('ops', 'other'), channel('other')] }, 4);
    next.answers.ops = refuse;
    next.answers.other = refuse;
    await passes(next, [4, 5]);
    await clear(next, 6);
    await passes(next, [6, 7]);
    next.answers.ops = async () => undefined;
    await passes(next, [30]);
    expect(next.said()).toEqual([expect.stringMatching(/^ops \d fired-and-resolved resolved n1:resolved$/)]);
  });
});
