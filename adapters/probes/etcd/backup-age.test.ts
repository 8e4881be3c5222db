import { describe, expect, it } from 'vitest';
import { foundByEtcd, notesOfEtcd, sceneOf, serveScene, setupEtcdCheck } from '../../../test/etcd-check.ts';
import { answer, output } from '../../../test/node-behaviour.ts';
import { keep, useBastion } from '../../../test/prober-fleet.ts';
import { startFakeNode } from '../../../test/ssh-fleet.ts';

useBastion();

describe('the age of backups', () => {
  const pattern = '/backup/*.db';
  const printed = (state: string, count: number, newest: number, clock: number) =>
    `@bartizan begin backups 1\npattern 1 ${state} ${count} ${newest}\nclock ${clock}\n@bartizan end\n`;

  async function setup() {
    let backups = printed('listed', 1, 1_000, 1_600);
    const node = await keep(
      startFakeNode((channel, script, count) => {
        if (script.includes('begin backups')) answer(channel, backups, backups === '' ? 126 : 0);
        else answer(channel, output(count));
      }),
    );
    const made = await setupEtcdCheck(
      { port: await serveScene(sceneOf('ok')), backups: [pattern] },
      { node },
    );
    const show = async (text: string) => {
      backups = text;
      const seen = await made.round();
      const age = foundByEtcd(seen).find((line) => line.startsWith('etcd_backup_age'));
      return { age, notes: notesOfEtcd(seen), up: foundByEtcd(seen).includes('etcd_up 1') };
    };
    return show;
  }

  it('is that of the newest file, and goes on when no file is there any more', async () => {
    const show = await setup();
    const labelled = `etcd_backup_age{${pattern}}`;
    expect(await show(printed('listed', 2, 1_000, 1_600))).toEqual({
      age: `${labelled} 600`,
      notes: [],
      up: true,
    });
    expect(await show(printed('listed', 0, 0, 1_700))).toMatchObject({
      age: `${labelled} 700`,
      notes: [
        `no file matches ${pattern}: the age of backups counts from the last one, or from the first check`,
      ],
    });
    expect(await show(printed('missing', 0, 0, 1_800))).toMatchObject({
      age: `${labelled} 800`,
      notes: [expect.stringContaining('there is no folder /backup')],
    });
    for (const state of ['closed', 'failed'])
      expect(await show(printed(state, 0, 0, 1_900))).toMatchObject({
        age: undefined,
        notes: [expect.stringContaining('is unknown')],
        up: true,
      });
    expect(await show(printed('listed', 1, 2_000, 1_950))).toMatchObject({ age: `${labelled} 0` });
  });

  it('counts from the first check where no file ever was', async () => {
    const show = await setup();
    expect((await show(printed('listed', 0, 0, 5_000))).age).toBe(`etcd_backup_age{${pattern}} 0`);
    expect((await show(printed('missing', 0, 0, 5_060))).age).toBe(`etcd_backup_age{${pattern}} 60`);
  });

  it.each([
    '',
    'garbage',
    printed('odd', 1, 1, 1),
    printed('listed', -1, 1, 1),
    '@bartizan begin backups 1\nclock 1\n@bartizan end\n',
  ])('is unknown, and the rest is not, where the node answers %j', async (text) => {
    const show = await setup();
    expect(await show(text)).toEqual({
      age: undefined,
      notes: [expect.stringMatching(/^the age of backups is unknown: /)],
      up: true,
    });
  });
});
