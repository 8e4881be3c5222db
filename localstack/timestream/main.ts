// `node localstack/timestream/main.ts [--port 4567] [--database bartizan] [--table samples]`: the stand-in beside an
// emulator that has no Timestream. The database and the table are there when it says that it listens.
import { parseArgs } from 'node:util';
import { createTable, startTimestreamStandIn } from './stand-in.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4567' },
    database: { type: 'string', default: 'bartizan' },
    table: { type: 'string', default: 'samples' },
    'memory-hours': { type: 'string', default: '24' },
  },
});
const { database, table } = values;
const standIn = await startTimestreamStandIn({ port: Number(values.port) });
createTable(standIn, { database, table, memoryHours: Number(values['memory-hours']) });
console.log(`timestream stand-in listens on ${standIn.url}, with the table ${database}.${table}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => standIn.stop());
