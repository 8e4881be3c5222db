// The requests of karma (internal/mapper/v017, ui/src/Components/SilenceModal) and of Grafana's Alertmanager data source
// (DataSource.ts, pkg/services/ngalert/api/lotex_am.go), as their sources send them.
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createAlertmanagerFixture,
  post,
  shownGroup,
  shownSilence,
  shownStatus,
} from './alertmanager.fixture.ts';

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
});

const HOUR = 3_600_000;
const isoTime = (ms: number) => new Date(ms).toISOString();

describe('karma', () => {
  it('pulls the status, silences and groups', async () => {
    await fixture.read(shownStatus, '/status');
    expect(await fixture.read(z.array(shownSilence), '/silences')).toEqual([]);
    const groups = await fixture.read(z.array(shownGroup), '/alerts/groups');
    // It takes all alerts from the groups, and has none that is in none.
    const all = new Set(groups.flatMap(({ alerts }) => alerts.map(({ fingerprint }) => fingerprint)));
    expect(all.size).toBe((await fixture.alerts()).length);
  });

  it('adds, changes and ends a silence through its proxy', async () => {
    const service = fixture.open();
    const silence = {
      matchers: [
        { name: 'alertname', value: 'memory', isRegex: false, isEqual: true },
        { name: 'node', value: '(a|b)', isRegex: true, isEqual: true },
      ],
      startsAt: isoTime(fixture.clock.ms),
      endsAt: isoTime(fixture.clock.ms + HOUR),
      createdBy: 'ada@example.com',
      comment: 'ACK! This alert was acknowledged using karma',
    };
    const added = await service.json('/api/v2/silences', post(silence));
    expect(added).toMatchObject({ status: 200, body: { silenceID: expect.any(String) } });
    const { silenceID: id } = added.body as { silenceID: string };
    const changed = { ...silence, id, endsAt: isoTime(fixture.clock.ms + 2 * HOUR) };
    expect(await service.json('/api/v2/silences', post(changed))).toEqual(added);
    const deleted = await service.app.request(`/api/v2/silence/${id}`, { method: 'DELETE' }, {});
    expect(deleted.status).toBe(200);
  });
});

describe('Grafana', () => {
  it('finds the implementation Prometheus: no Mimir below /alertmanager', async () => {
    const { app } = fixture.open();
    expect((await app.request('/alertmanager/api/v2/status', {}, {})).status).toBe(404);
    expect((await app.request('/api/v2/status', {}, {})).status).toBe(200);
  });

  it('lists groups and alerts with the filters of its pages', async () => {
    const filter = encodeURIComponent('node="a"');
    const query = `filter=${filter}&silenced=true&active=true&inhibited=true&unprocessed=true`;
    expect(await fixture.alerts(`?${query}`)).toHaveLength(1);
    expect(await fixture.read(z.array(shownGroup), `/alerts/groups?${query}`)).toHaveLength(2);
  });

  it('adds a silence, and shows it before and after its end', async () => {
    const service = fixture.open();
    const silence = {
      comment: 'created 2026-12-01 13:00',
      createdBy: 'admin',
      endsAt: isoTime(fixture.clock.ms + 2 * HOUR),
      matchers: [{ isEqual: true, isRegex: false, name: 'node', value: 'a' }],
      startsAt: isoTime(fixture.clock.ms),
    };
    const { body } = await service.json('/api/v2/silences', post(silence));
    const { silenceID: id } = body as { silenceID: string };
    expect(await fixture.read(shownSilence, `/silence/${id}`)).toMatchObject({ status: { state: 'active' } });
    await service.app.request(`/api/v2/silence/${id}`, { method: 'DELETE' }, {});
    fixture.clock.ms += 1;
    expect(await fixture.read(z.array(shownSilence), '/silences')).toMatchObject([
      { id, status: { state: 'expired' } },
    ]);
  });
});
