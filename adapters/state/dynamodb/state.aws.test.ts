import { afterAll, beforeAll } from 'vitest';
import { type Emulator, startEmulator } from '../../../localstack/emulator.ts';
import { describeStateStore } from '../../../test/contract/state-store.ts';
import { createStateTable } from './create-table.ts';
import { openDynamoState } from './state.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.stop());

let tables = 0;
const newTable = async () => {
  const table = `bartizan-${process.pid}-${Date.now()}-${tables++}`;
  await createStateTable(table, emulator.client);
  return table;
};

describeStateStore('dynamodb', async () => {
  const table = await newTable();
  const options = { table, client: emulator.client, clock: { nowMs: Date.now }, historyMs: 90 * 86_400_000 };
  return { open: () => openDynamoState(options), remove: async () => undefined };
});
