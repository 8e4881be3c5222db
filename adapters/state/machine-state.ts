import type { StateStore } from '../../core/ports.ts';
import { AUDITS } from '../audit/data-folder.ts';

/** Records of the files and notices of one machine, whatever other machines share. */
const OF_MACHINE: ReadonlySet<string> = new Set([
  'audit-syslog',
  'audit-noticed',
  'audit-acknowledged',
  'notices',
  'notices/audit',
  ...AUDITS.flatMap(({ writer }) => [`audit-starts/${writer}`, `audit-removed/${writer}`]),
]);

/**
 * The shared state, except what belongs to the files in the data folder of this machine: each machine has its own audits, so
 * their newest lines are kept beside them.
 */
export function withMachineState(shared: StateStore, machine: StateStore): StateStore {
  const counters = (key: string) => (OF_MACHINE.has(key) ? machine : shared).counters;
  return {
    ...shared,
    putAuditHead: (writer, head) => machine.putAuditHead(writer, head),
    listAuditHeads: () => machine.listAuditHeads(),
    counters: {
      load: (key) => counters(key).load(key),
      save: (key, value) => counters(key).save(key, value),
    },
    async close() {
      await shared.close();
      await machine.close();
    },
  };
}
