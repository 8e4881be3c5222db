// The program of every package: one JavaScript file and those of the thread and the process that it starts, with the files that they read beside them.
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BUNDLE, filesBeside, ROOT } from '../lib/bundle.ts';
import { RESVG } from '../lib/native-modules.ts';
import { licenseOf } from './licenses.ts';

/** How ssh2 requires its binding, which npm would compile for one Node. */
const BINDING = /^\.\/crypto\/build\/Release\/sshcrypto\.node$/;
const ENTRIES = {
  program: 'cli/program.ts',
  'picture-worker': 'adapters/charts/picture-worker.ts',
  'history-program': 'local/history-program.ts',
};

/** Lets ssh2 load the binding for the Node that runs, from `native/` beside the program. */
const bindingOfRunningNode: Plugin = {
  name: 'binding-of-running-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: BINDING }, () => ({ path: 'sshcrypto', namespace: 'binding' }));
    onLoad({ filter: /.*/, namespace: 'binding' }, () => ({
      contents: `const { platform, arch, versions } = process;
const [major] = versions.node.split('.');
const file = './native/sshcrypto-' + platform + '-' + arch + '-node' + major + '.node';
module.exports = require(file);`,
    }));
  },
};

/** Writes the program into a folder: `bartizan.mjs` starts it. Native parts are not in it. */
export async function bundleProgram(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    ...BUNDLE,
    entryPoints: ENTRIES,
    outdir: folder,
    plugins: [bindingOfRunningNode],
  });
  const inputs = Object.keys(metafile.inputs);
  for (const [name, from] of filesBeside(inputs)) cpSync(from, join(folder, name), { recursive: true });
  copyFileSync(join(ROOT, 'packaging/bartizan.mjs'), join(folder, 'bartizan.mjs'));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licensesOf(inputs));
}

/** The licence of each package whose code is in the program, is copied beside it, or is compiled into the bindings. */
function licensesOf(inputs: readonly string[]): string {
  const packages = new Set(
    [...inputs, `node_modules/${RESVG}/index.js`, 'node_modules/nan/nan.h'].flatMap(
      (input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [],
    ),
  );
  const texts = [...packages].sort().map((path) => licenseOf(join(ROOT, path)));
  return `${texts.join(`\n\n${'-'.repeat(78)}\n\n`)}\n`;
}
