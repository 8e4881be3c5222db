// `node test/promql/record.ts`: asks the engine anew and writes its answers into `recorded.json.br`.
import { askRecorded, writeRecorded } from './recorded.ts';

writeRecorded(askRecorded());
