import { describe, expect, it } from 'vitest';
import { clear, createStageFixture, fire, route } from '../../test/stage-fixture.ts';
import { channel, passes, refuse, restarted } from '../../test/stage-restarts.ts';

describe('a fallback, after a change of the configuration,', () => {
  it('a fallback that was sent the firing is sent the end, also when it is no fallback any more', async () => {
    const withSpare = [channel('ops', 'spare'), channel('spare')];
    const fixture = createStageFixture({ channels: withSpare });
    fixture.answers.ops = refuse;
    await fire(fixture);
    await passes(fixture, [2, 2.1]);
    expect(fixture.sentLines()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(fixture, { channels: [channel('ops'), channel('spare')] }, 4);
    next.answers.ops = refuse;
    await next.notify();
    await clear(next, 5);
    await passes(next, [5, 10]);
    expect(next.sentLines()).toEqual(['spare 2 all-resolved resolved n1:resolved']);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('a fallback that has the alert from before the routes changed is not handed it again', async () => {
    const channels = [channel('ops', 'spare'), channel('spare')];
    const fixture = createStageFixture({ channels });
    fixture.answers.ops = refuse;
    await fire(fixture);
    await passes(fixture, [2, 2.1]);
    expect(fixture.sentLines()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(
      fixture,
      { channels, routes: [{ ...route, name: 'other', groupBy: ['node'] }] },
      4,
    );
    next.answers.ops = refuse;
    await passes(next, [4, 5, 10, 11]);
    expect(next.sentLines()).toEqual([]);
    await clear(next, 12);
    await passes(next, [12, 13]);
    expect(next.sentLines()).toEqual(['spare 2 all-resolved resolved n1:resolved']);
  });

  it('when a fallback that was sent the firing is gone, the end is due at the original channel', async () => {
    const fixture = createStageFixture({ channels: [channel('ops', 'spare'), channel('spare')] });
    fixture.answers.ops = refuse;
    await fire(fixture);
    await passes(fixture, [2, 2.1]);
    expect(fixture.sentLines()).toEqual(['spare 1 fallback firing n1:firing']);
    const next = restarted(fixture, { channels: [channel('ops', 'other'), channel('other')] }, 4);
    next.answers.ops = refuse;
    next.answers.other = refuse;
    await passes(next, [4, 5]);
    await clear(next, 6);
    await passes(next, [6, 7]);
    next.answers.ops = async () => undefined;
    await passes(next, [30]);
    expect(next.sentLines()).toEqual([
      expect.stringMatching(/^ops \d fired-and-resolved resolved n1:resolved$/),
    ]);
  });
});
