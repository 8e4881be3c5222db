// The services of a light control-plane node: an API server and the metrics port of etcd, which answer as real ones were
// recorded, and what the pki script prints over the files of kubeadm.
import { createHash } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createFolder } from '../../adapters/probes/pki/script.fixture.ts';
import { type Authority, makeAuthority } from '../certificates.ts';
import { readRecorded } from '../kube/recorded.ts';
import { APISERVER_FILES, replay } from '../kube/replay.ts';

export interface LightControlPlane {
  /** Ports on loopback. */
  apiserver: number;
  etcd: number;
  pkiOutput: string;
  close(): Promise<void>;
}

/** kube-apiserver keeps an idle connection for 90 s, so that rounds of a minute find it open; etcd keeps it for ever. */
const IDLE_MS = 90_000;
/** Size of the metrics of a real etcd 3.7.3. Most are series of gRPC, which the records leave out. */
const METRICS_BYTES = 176_030;
/** Go sends an answer without a known length in chunks of this size. */
const CHUNK_BYTES = 2_048;

export async function startLightControlPlane(host = '127.0.0.1'): Promise<LightControlPlane> {
  const ca = await makeAuthority('kubernetes');
  const { key, cert } = await ca.issue({ commonName: 'kube-apiserver', names: ['127.0.0.1', 'kubernetes'] });
  const apiserver = createHttpsServer({ key, cert }, replay(APISERVER_FILES, 'apiserver/ok').listener);
  const etcd = createHttpServer(answerAsEtcd());
  const [apiserverPort, etcdPort] = [await listen(apiserver, host), await listen(etcd)];
  return {
    apiserver: apiserverPort,
    etcd: etcdPort,
    pkiOutput: await readPki(ca),
    async close() {
      for (const server of [apiserver, etcd]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.keepAliveTimeout = IDLE_MS;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

function answerAsEtcd(): RequestListener {
  const metrics = readRecorded('etcd/ok/metrics');
  const body = withGrpcSeries(metrics.body);
  const packed = gzipSync(body);
  const others = replay({ '/health': 'health' }, 'etcd/ok').listener;
  return (request, response) => {
    if (request.url !== '/metrics') return others(request, response);
    const isPacked = request.headers['accept-encoding'] === 'gzip';
    const encoding = isPacked ? { 'content-encoding': 'gzip' } : {};
    response.writeHead(metrics.status, { ...(metrics.headers as Record<string, string>), ...encoding });
    if (isPacked) return void response.end(packed);
    for (let at = 0; at < body.length; at += CHUNK_BYTES) response.write(body.slice(at, at + CHUNK_BYTES));
    response.end();
  };
}

const GRPC_CODES =
  'Aborted AlreadyExists Canceled DataLoss DeadlineExceeded FailedPrecondition Internal InvalidArgument NotFound OK OutOfRange PermissionDenied ResourceExhausted Unauthenticated Unavailable Unimplemented Unknown'.split(
    ' ',
  );

/** The metrics with as many series of the form of gRPC's as a real member shows: one for each code of each method. */
function withGrpcSeries(body: string): string {
  const lines = ['# TYPE grpc_server_handled_total counter'];
  let bytes = body.length;
  for (let n = 0; bytes < METRICS_BYTES; n++) {
    const code = GRPC_CODES[n % GRPC_CODES.length];
    const method = createHash('sha256')
      .update(String(Math.floor(n / GRPC_CODES.length)))
      .digest('base64url')
      .slice(0, 12);
    const line = `grpc_server_handled_total{grpc_code="${code}",grpc_method="${method}",grpc_service="etcdserverpb.Maintenance",grpc_type="unary"} 0`;
    lines.push(line);
    bytes += line.length + 1;
  }
  return `${body}${lines.join('\n')}\n`;
}

/** What the script prints over certificates and kubeconfigs as kubeadm makes them for a control-plane node. */
async function readPki(ca: Authority): Promise<string> {
  const [etcdCa, frontProxyCa] = [await makeAuthority('etcd-ca'), await makeAuthority('front-proxy-ca')];
  const issued: [file: string, authority: Authority, names: string[]][] = [
    ['pki/apiserver.crt', ca, ['node-1', 'kubernetes.default.svc', '10.96.0.1', '192.0.2.1']],
    ['pki/apiserver-kubelet-client.crt', ca, []],
    ['pki/apiserver-etcd-client.crt', etcdCa, []],
    ['pki/front-proxy-client.crt', frontProxyCa, []],
    ['pki/etcd/server.crt', etcdCa, ['node-1', 'localhost', '192.0.2.1', '127.0.0.1']],
    ['pki/etcd/peer.crt', etcdCa, ['node-1', 'localhost', '192.0.2.1', '127.0.0.1']],
    ['pki/etcd/healthcheck-client.crt', etcdCa, []],
    ['kubelet/kubelet-client-current.pem', ca, []],
    ['kubelet/kubelet.crt', ca, ['node-1']],
  ];
  const folder = createFolder();
  try {
    folder.write('pki/ca.crt', ca.cert);
    folder.write('pki/etcd/ca.crt', etcdCa.cert);
    folder.write('pki/front-proxy-ca.crt', frontProxyCa.cert);
    for (const [file, authority, names] of issued)
      folder.write(file, (await authority.issue({ commonName: file, names })).cert);
    for (const user of ['admin', 'super-admin', 'controller-manager', 'scheduler']) {
      const { cert } = await ca.issue({ commonName: user });
      folder.write(`${user}.conf`, kubeconfig(ca.cert, cert));
    }
    return folder.run().text;
  } finally {
    folder.close();
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

const kubeconfig = (authority: string, client: string) =>
  `clusters:\n- cluster:\n    certificate-authority-data: ${base64(authority)}\nusers:\n- user:\n    client-certificate-data: ${base64(client)}\n`;
