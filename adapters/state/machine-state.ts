import type { StateStore } from '../../core/ports.ts';
import { chainKeys } from '../audit/chain-state.ts';
import { AUDITS } from '../audit/data-folder.ts';

/** Keys of records about the files of one machine, and about notices of them, whatever other machines share. */
export const MACHINE_KEYS = {
  auditSyslog: 'audit-syslog',
  auditNoticed: 'audit-noticed',
  auditAcknowledged: 'audit-acknowledged',
  auditNotice: 'notices/audit',
  setAsideNotice: 'notices',
  diskNoticed: 'disk-noticed',
  diskNotice: 'notices/disk',
} as const;

export type MachineKey = (typeof MACHINE_KEYS)[keyof typeof MACHINE_KEYS];

const OF_MACHINE: ReadonlySet<string> = new Set([
  ...Object.values(MACHINE_KEYS),
  ...AUDITS.flatMap(({ writer }) => chainKeys(writer)),
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
