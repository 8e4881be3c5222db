// `node test/kube/record.ts`: asks the real servers anew and writes their answers below `recorded/`; read the diff.
import { build } from './programs.ts';
import { writeRecorded } from './recorded.ts';
import { playEtcd, type Take } from './scenes.ts';

const report = (text: string) => process.stderr.write(`${text}\n`);
const take: Take = (name, answer) => {
  report(`${name}: ${answer.status}`);
  writeRecorded(name, answer);
};
await playEtcd(build('etcd', report), take);
