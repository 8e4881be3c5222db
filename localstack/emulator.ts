// An emulator of AWS on loopback: ministack (MIT, from PyPI), or the one in AWS_ENDPOINT_URL.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { generate } from 'selfsigned';
import { freePort } from './free-port.ts';
import { installPython } from './python-environment.ts';

export interface Emulator {
  url: string;
  /** Options for any client of the SDK. */
  client: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    requestHandler?: { httpsAgent: Agent };
  };
  /** The file with its certificate, for NODE_EXTRA_CA_CERTS; only if it is `secure`. */
  certificate?: string;
  /** The process that runs the functions; undefined for an emulator that ran before. */
  pid?: number | undefined;
  /** Ends the emulator if this process started it, and removes its data; one that ran before keeps running. */
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** The address of a running emulator, to use instead. Default: AWS_ENDPOINT_URL. */
  running?: string | undefined;
  /** Default: a free one. */
  port?: number;
  /**
   * As an account is: every call is authorised by the policies of who makes it, and comes over TLS, which the policy of a
   * bucket may ask for. Default: anybody may do anything.
   */
  secure?: boolean;
}

/** The variables by which a program uses the emulator as its account. */
export function environmentOf({ url, client, certificate }: Emulator): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AWS_ENDPOINT_URL: url,
    AWS_REGION: client.region,
    AWS_ACCESS_KEY_ID: client.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey,
    ...(certificate !== undefined && { NODE_EXTRA_CA_CERTS: certificate, AWS_CA_BUNDLE: certificate }),
  };
}

/** The emulator and all its dependencies, each by version and hash; pip refuses what differs. */
const REQUIREMENTS = join(import.meta.dirname, 'ministack.txt');
const UP_WITHIN_MS = 60_000;
const ENDS_WITHIN_MS = 3000;
const REGION = 'us-east-1';
/** No certificate, mail or second listener: nothing needs them, and each costs start-up time or a port. */
const QUIET = { SFTP_ENABLED: '0', IOT_MTLS_ENABLED: '0', LAMBDA_ASYNC_RETRY_BASE_SECONDS: '0.1' };

/** Resolves when it answers. The first call on a machine installs it, which takes about a minute. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const running = 'running' in options ? options.running : process.env.AWS_ENDPOINT_URL;
  if (running) return useRunning(running);
  const python = await installEmulator();
  const dir = await mkdtemp(join(tmpdir(), 'bartizan-aws-'));
  const port = options.port ?? (await freePort());
  const certificate = options.secure ? await writeCertificate(dir) : undefined;
  const url = `${options.secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const child = spawn(python, ['-m', 'ministack'], {
    cwd: dir,
    stdio: 'ignore',
    env: {
      ...inherited(process.env),
      // Functions run as child processes of the first `node` there.
      PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      TMPDIR: dir,
      S3_DATA_DIR: join(dir, 's3'),
      ...QUIET,
      ...(certificate && {
        AUTH: 'true',
        USE_SSL: '1',
        MINISTACK_SSL_CERT: certificate.file,
        MINISTACK_SSL_KEY: certificate.key,
        // Functions inherit this.
        NODE_EXTRA_CA_CERTS: certificate.file,
      }),
    },
  });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const stop = async () => {
    process.removeListener('exit', killed);
    await end(child);
    await rm(dir, { recursive: true, force: true });
  };
  for (const endMs = Date.now() + UP_WITHIN_MS; ; await sleep(30)) {
    if (child.exitCode !== null) {
      await stop();
      throw new Error(`the emulator ended at once (exit code ${child.exitCode}); is port ${port} taken?`);
    }
    if (await answers(url)) return { ...emulatorAt(url, certificate?.file), pid: child.pid, stop };
    if (Date.now() < endMs) continue;
    await stop();
    throw new Error(`the emulator did not answer within ${UP_WITHIN_MS / 1000} s`);
  }
}

/** The path of Python with ministack. */
export function installEmulator(): Promise<string> {
  return installPython('ministack', REQUIREMENTS);
}

async function useRunning(address: string): Promise<Emulator> {
  const { hostname, origin } = new URL(address);
  if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname)) {
    throw new Error(
      'AWS_ENDPOINT_URL is not on this machine: tests and the demo write only to an emulator here',
    );
  }
  if (!(await answers(origin))) throw new Error(`nothing answers at AWS_ENDPOINT_URL, ${origin}`);
  return { ...emulatorAt(origin), stop: async () => undefined };
}

/** Both ministack and LocalStack answer this request. */
async function answers(url: string): Promise<boolean> {
  // Tests only whether it is up: from then on its certificate is trusted.
  const httpsAgent = new Agent({ rejectUnauthorized: false });
  const options = { timeout: 2000, validateStatus: () => true, proxy: false as const, httpsAgent };
  const answer = await axios.get(`${url}/_localstack/health`, options).catch(() => undefined);
  return answer?.status === 200;
}

function emulatorAt(url: string, certificate?: string): Omit<Emulator, 'stop'> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = { endpoint: url, region: REGION, credentials };
  if (certificate === undefined) return { url, client };
  const httpsAgent = new Agent({ ca: readFileSync(certificate), keepAlive: true });
  return { url, client: { ...client, requestHandler: { httpsAgent } }, certificate };
}

async function writeCertificate(dir: string): Promise<{ file: string; key: string }> {
  const altNames = [
    { type: 7 as const, ip: '127.0.0.1' },
    // The addresses of queues begin with it.
    { type: 2 as const, value: 'localhost' },
  ];
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  const [file, key] = [join(dir, 'certificate.pem'), join(dir, 'key.pem')];
  await writeFile(file, made.cert);
  await writeFile(key, made.private, { mode: 0o600 });
  return { file, key };
}

/** Functions inherit the rest, but neither credentials nor settings of the tests. */
function inherited(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(AWS|POWERTOOLS)_/.test(name)));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, sleep(ENDS_WITHIN_MS, undefined, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await ended;
}
