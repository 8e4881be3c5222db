import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Script } from '../../ssh/command.ts';
import { sentText } from '../sent-text.ts';

const text = sentText(readFileSync(new URL('./cost.sh', import.meta.url), 'utf8'));

/** Reads how much CPU the SSH server of a node has used for the session that it runs in. Only `probe --cost` sends it. */
export const costScript: Script = {
  name: 'cost@1',
  text,
  sha256: createHash('sha256').update(text).digest('hex'),
  end: '@bartizan end',
};
