// The real etcd and kube-apiserver answer as recorded; so the emulator, which is held to the records, answers as they do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { playApiserver } from './apiserver-answers.ts';
import { startEtcd } from './etcd.ts';
import { playEtcd } from './etcd-answers.ts';
import { findBuilt } from './programs.ts';
import { comparable, type Recorded, readRecorded, recordedNames, type Take } from './recorded.ts';

const [etcd, apiserver] = [findBuilt('etcd') as string, findBuilt('kube-apiserver') as string];

async function collect(play: (take: Take) => Promise<void>): Promise<Map<string, Recorded>> {
  const answers = new Map<string, Recorded>();
  await play((name, answer) => void answers.set(name, answer));
  return answers;
}

function expectRecorded(answers: Map<string, Recorded>, server: string): void {
  expect([...answers.keys()].sort()).toEqual(recordedNames(server));
  for (const [name, answer] of answers)
    expect({ name, ...comparable(answer) }).toEqual({ name, ...comparable(readRecorded(name)) });
}

describe('a recorded answer is that of today', () => {
  it('of etcd', async () => {
    expectRecorded(await collect((take) => playEtcd(etcd, take)), 'etcd');
  });

  it('of kube-apiserver', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bartizan-answers-'));
    const start = () => startEtcd({ program: etcd, dir });
    try {
      expectRecorded(await collect((take) => playApiserver(start, [apiserver], take)), 'apiserver');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
