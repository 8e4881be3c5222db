// Decides which test files share a process, and in which order they run.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that change their process, measure it, or take so long that its start does not matter. */
export const ALONE = [
  '**/*.{sshd,aws,prometheus,alertmanager,schemathesis,root,mounts,zsh,cross,scale,kube,chart,control-plane}.test.ts',
  'test/{e2e,network,simulation}/**/*.test.ts',
  // Their libraries read the environment only once.
  'functions/lambda.test.ts',
];

/** The longest, in seconds on two quiet cores: two processes end at the same time if these come first. */
const LONG: Readonly<Record<string, number>> = {
  'test/e2e/deployed.aws.test.ts': 340,
  'test/simulation/old-faults.test.ts': 200,
  'test/network/one-cut.root.test.ts': 130,
  'test/network/two-cuts.root.test.ts': 130,
  'test/network/several-bastions.root.test.ts': 110,
  'test/e2e/control-plane.control-plane.test.ts': 90,
  'test/simulation/simulation.test.ts': 86,
  'test/cloud/pipeline.scale.test.ts': 80,
  'test/e2e/kill.test.ts': 70,
  'test/e2e/dead-letters.aws.test.ts': 60,
  'test/kube/answers.kube.test.ts': 50,
  'localstack/control-plane/scene.control-plane.test.ts': 50,
  'test/e2e/memory.test.ts': 50,
  'adapters/ssh/signed-key-line.sshd.test.ts': 45,
  'test/e2e/standby.postgres.test.ts': 45,
  'test/e2e/thousand-nodes.test.ts': 40,
  'test/schemathesis/api.schemathesis.test.ts': 60,
  'cli/kubeconfig.sshd.test.ts': 40,
  'test/network/lossy-links.root.test.ts': 40,
  'test/network/firewall.root.test.ts': 40,
  'cli/exec.sshd.test.ts': 35,
  'adapters/probes/openssh.sshd.test.ts': 30,
  'adapters/probes/openssh-faults.sshd.test.ts': 30,
  'test/e2e/cli.test.ts': 30,
  'adapters/probes/cost/cost.sshd.test.ts': 25,
  'adapters/probes/openssh-startups.sshd.test.ts': 25,
  'cli/kubeconfig.kube.test.ts': 25,
  'test/network/names.root.test.ts': 25,
  'cli/tunnel.sshd.test.ts': 25,
  'packaging/chart/apiserver.chart.test.ts': 20,
  'adapters/probes/signed-scripts.sshd.test.ts': 20,
  'cli/tunnel-transfer.sshd.test.ts': 15,
};

/** First the files with their own process, longest first; then the files that share one, project by project. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): [number, string] => {
      const path = moduleId.slice(this.ctx.config.root.length + 1);
      return [LONG[path] ?? (project.config.isolate ? 1 : 0), project.name];
    };
    return (await super.sort(files)).sort((a, b) => {
      const [[secondsA, nameA], [secondsB, nameB]] = [rank(a), rank(b)];
      return secondsB - secondsA || nameA.localeCompare(nameB);
    });
  }
}
