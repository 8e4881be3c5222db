// `npm run kube`: builds the real etcd, kube-apiserver, kubectl and helm for tests and examples, once. Prints their paths. Ends with
// code 2 where no Go can build them.
import { describeError } from '../../core/errors.ts';
import { goVersion, unfitGo } from '../go-module.ts';
import { build, missingPrograms, PROGRAMS } from './programs.ts';

const report = (text: string) => process.stderr.write(`${text}\n`);
try {
  for (const program of PROGRAMS) process.stdout.write(`${build(program, report)}\n`);
} catch (error) {
  report(describeError(error));
  process.exitCode = missingPrograms() && unfitGo(goVersion()) ? 2 : 1;
}
