// `npm run promql`: builds Prometheus' query engine for tests, once. Ends with code 2 where no Go can build it.
import { describeError } from '../../core/errors.ts';
import { goVersion, unfitGo } from '../go-module.ts';
import { buildReference, missingReference } from './reference.ts';

const report = (text: string) => process.stderr.write(`${text}\n`);
try {
  process.stdout.write(`${buildReference(report)}\n`);
} catch (error) {
  report(describeError(error));
  process.exitCode = missingReference() && unfitGo(goVersion()) ? 2 : 1;
}
