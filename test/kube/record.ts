// `node test/kube/record.ts`: asks the real servers anew and writes their answers below `recorded/`; read the diff.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playApiserver } from './apiserver-answers.ts';
import { startEtcd } from './etcd.ts';
import { playEtcd } from './etcd-answers.ts';
import { build } from './programs.ts';
import { type Take, writeRecorded } from './recorded.ts';

const report = (text: string) => process.stderr.write(`${text}\n`);
const take: Take = (name, answer) => {
  report(`${name}: ${answer.status}`);
  writeRecorded(name, answer);
};
const [etcd, apiserver] = [build('etcd', report), build('kube-apiserver', report)];
await playEtcd(etcd, take);
const dir = mkdtempSync(join(tmpdir(), 'bartizan-record-'));
try {
  await playApiserver(() => startEtcd({ program: etcd, dir }), [apiserver], take);
} finally {
  rmSync(dir, { recursive: true });
}
