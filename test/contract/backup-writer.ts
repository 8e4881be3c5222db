// A process that backs up, or restores, again and again until it is killed: `backup-writer.ts backup FOLDER FILE`, or
// `backup-writer.ts restore FOLDER FILE FILE`, which restores them in turn. It prints a line after each.

import { backUpData } from '../../local/data-backup.ts';
import { restoreData } from '../../local/data-restore.ts';

const [mode, dir = '', ...files] = process.argv.slice(2);
const options = { program: 'test', nowMs: Date.now, replace: true };
process.stdout.write('started\n');
for (let turn = 0; ; turn++) {
  const file = files[turn % files.length] ?? '';
  if (mode === 'backup') await backUpData(dir, file, options);
  else await restoreData(dir, file, options);
  process.stdout.write(`done ${turn}\n`);
}
