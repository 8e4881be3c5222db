// What checks cost: CPU and bytes, as the mean of several runs.
import type { Target } from './target.ts';

export interface Traffic {
  sentBytes: number;
  receivedBytes: number;
}

/** CPU that the system counted for a node's SSH server, and for the commands that it ran. */
export type NodeCpu =
  | {
      isKnown: true;
      sshdMs: number;
      /** For processes that ended the system shows whole hundredths of a second, over all runs. */
      commandsMs: number;
      /** `sshdMs` is a lower bound: that of a login, where nothing shows the process that exchanged keys. */
      isLeast?: true;
    }
  | {
      isKnown: false;
      /** For people. */
      why: string;
    };

export interface Cost {
  target: Target;
  /** Name of the check; undefined: a login, with the key exchange before it. */
  check?: string;
  runs: number;
  /** CPU time of this process, with all that it does meanwhile. */
  ownCpuMs: number;
  nodeCpu: NodeCpu;
  /** Through the bastion to the node: SSH of its session, and requests to its services from the bastion. */
  node: Traffic;
  /** Between this machine and the bastion: the same, inside the SSH of the bastion. */
  wire: Traffic;
}
