// SQLite without a file: which file system it is on is not what is tried here, and its calls would take a tenth of the
// run. Imported before what opens databases. Each schedule opens one, which outlives the processes in it.
import { syncBuiltinESMExports } from 'node:module';
import sqlite, { type DatabaseSyncOptions } from 'node:sqlite';

class MemoryDatabase extends sqlite.DatabaseSync {
  constructor(_file: string, options?: DatabaseSyncOptions) {
    super(':memory:', options);
  }
}

Object.assign(sqlite, { DatabaseSync: MemoryDatabase });
syncBuiltinESMExports();
