import { join } from 'node:path';
import { installPython } from '../../localstack/python-environment.ts';

/** The path of Python with schemathesis, which the first call installs. */
export function installSchemathesis(): Promise<string> {
  return installPython('schemathesis', join(import.meta.dirname, 'requirements.txt'));
}
