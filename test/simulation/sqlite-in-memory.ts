// SQLite without a file: the simulation does not test the file system, whose calls would take a tenth of its time.
// Import it before the modules that open databases. Each schedule opens one database, which survives its processes.
import { syncBuiltinESMExports } from 'node:module';
import sqlite, { type DatabaseSyncOptions } from 'node:sqlite';

class MemoryDatabase extends sqlite.DatabaseSync {
  constructor(_file: string, options?: DatabaseSyncOptions) {
    super(':memory:', options);
  }
}

Object.assign(sqlite, { DatabaseSync: MemoryDatabase });
syncBuiltinESMExports();
