import type { Stack } from 'aws-cdk-lib';
import {
  AmazonLinuxCpuType,
  CfnEIPAssociation,
  type CfnInstance,
  InstanceArchitecture,
  InstanceType,
  MachineImage,
  NatInstanceProviderV2,
  NatProvider,
  NatTrafficDirection,
  Peer,
  Port,
  UserData,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';

/** The image's own volume would have the same size, and not be encrypted. */
const DISK = { deviceName: '/dev/xvda', ebs: { encrypted: true, volumeType: 'gp3', volumeSize: 8 } };

export interface NatInstance {
  provider: NatInstanceProviderV2;
  /** Attaches the address that bastions know, when the network exists. */
  attach(allocationId: string): void;
}

/**
 * An instance that forwards, in place of a NAT gateway: it has no price for each gigabyte, and an outage of a minute
 * when it is replaced. AWS moves it to other hardware by itself
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-configuration-recovery.html); a deployment replaces it
 * by one with the newest image of Amazon Linux.
 */
export function createNatInstance(stack: Stack, type: string): NatInstance {
  const instanceType = new InstanceType(type);
  const userData = UserData.forLinux();
  // Its address changes while it starts, so steps that need the internet are retried.
  userData.addCommands('until yum install iptables-services -y; do sleep 5; done');
  userData.addCommands(...NatInstanceProviderV2.DEFAULT_USER_DATA_COMMANDS);
  const provider = NatProvider.instanceV2({
    instanceType,
    machineImage: MachineImage.latestAmazonLinux2023({
      cpuType:
        instanceType.architecture === InstanceArchitecture.ARM_64
          ? AmazonLinuxCpuType.ARM_64
          : AmazonLinuxCpuType.X86_64,
    }),
    userData,
    associatePublicIpAddress: true,
    defaultAllowedTraffic: NatTrafficDirection.OUTBOUND_ONLY,
  });
  return {
    provider,
    attach(allocationId) {
      provider.connections.allowFrom(Peer.ipv4(Vpc.DEFAULT_CIDR_RANGE), Port.allTcp(), 'From our network');
      const [machine] = provider.gatewayInstances;
      if (!machine) return;
      (machine.node.defaultChild as CfnInstance).blockDeviceMappings = [DISK];
      new CfnEIPAssociation(stack, 'NatMachineAddress', { allocationId, instanceId: machine.instanceId });
    },
  };
}
