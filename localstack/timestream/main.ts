// `node localstack/timestream/main.ts [--port 4567] [--database bartizan] [--table samples]`: this emulator beside one
// that has no Timestream. The database and the table exist when it prints that it listens.
import { parseArgs } from 'node:util';
import { createTable, startTimestreamEmulator } from './emulator.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4567' },
    database: { type: 'string', default: 'bartizan' },
    table: { type: 'string', default: 'samples' },
    'memory-hours': { type: 'string', default: '24' },
  },
});
const { database, table } = values;
const timestream = await startTimestreamEmulator({ port: Number(values.port) });
createTable(timestream, { database, table, memoryHours: Number(values['memory-hours']) });
console.log(`timestream emulator listens on ${timestream.url}, with the table ${database}.${table}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => timestream.stop());
