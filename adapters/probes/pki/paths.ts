/** The folder of the agent also holds the file systems of containers, hence single files of it. */
function rancher(name: 'k3s' | 'rke2'): string[] {
  const data = `/var/lib/rancher/${name}`;
  const ofAgent = ['client-ca', 'server-ca', 'client-kubelet', 'serving-kubelet', 'client-kube-proxy'];
  return [
    `${data}/server/tls`,
    ...[...ofAgent, `client-${name}-controller`].map((file) => `${data}/agent/${file}.crt`),
    `/etc/rancher/${name}/${name}.yaml`,
  ];
}

/** Where distributions keep certificates and kubeconfigs. A folder is read with all that is in it. */
export const PRESETS = {
  kubeadm: [
    '/etc/kubernetes/pki',
    '/var/lib/kubelet/pki',
    ...['admin', 'controller-manager', 'kubelet', 'scheduler', 'super-admin'].map(
      (name) => `/etc/kubernetes/${name}.conf`,
    ),
  ],
  k3s: rancher('k3s'),
  rke2: rancher('rke2'),
  // The folders of revisions (`kube-apiserver-pod-7`) beside these keep certificates that nobody uses any more.
  openshift: [
    ...['kube-apiserver-certs', 'kube-controller-manager-certs', 'kube-scheduler-certs', 'etcd-certs'].map(
      (name) => `/etc/kubernetes/static-pod-resources/${name}`,
    ),
    '/var/lib/kubelet/pki',
    '/etc/kubernetes/kubelet-ca.crt',
    '/etc/kubernetes/kubeconfig',
  ],
} as const satisfies Record<string, readonly string[]>;

/** A check has no more paths: its script would grow. */
export const MAX_PATHS = 32;
const MAX_PATH = 200;

/** What is wrong with paths that would become part of a script, or undefined. No character means something to a shell. */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'write the whole path, from `/` on';
  if (path.length > MAX_PATH) return `a path has ${MAX_PATH} characters at most`;
  if (!/^[A-Za-z0-9._/@+:=-]*$/.test(path))
    return 'a path has letters, digits and `._/@+:=-` alone; write the folder above it';
  if (/\/(\.|\.\.)?(\/|$)/.test(path)) return 'write it without `//`, `.`, `..` and a `/` at its end';
  return undefined;
}
