import { CfnOutput, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnEIP,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type IVpc,
  NatProvider,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/types.ts';
import type { Settings } from './settings.ts';
import type { StageNetwork } from './stage.ts';

export interface Network {
  stack: Stack;
  /** For a function that goes out from one address, and only where it has to. */
  stageNetwork: StageNetwork;
}

/** A network with one way out, whose address bastions' firewalls can be told; or one that is there already. */
export function createNetwork(
  app: Construct,
  { config, settings }: { config: Config; settings: Settings },
): Network {
  const stack = new Stack(app, 'BartizanNetwork', { description: 'Bartizan: the way to the bastions' });
  const vpc = settings.network ? existingVpc(stack, settings.network) : ownVpc(stack);
  const vpcSubnets = settings.network
    ? { subnets: vpc.privateSubnets }
    : { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
  return {
    stack,
    stageNetwork: { vpc, vpcSubnets, securityGroups: [createSecurityGroup(stack, vpc, config, settings)] },
  };
}

function ownVpc(stack: Stack): IVpc {
  const address = new CfnEIP(stack, 'NatAddress', { domain: 'vpc' });
  const log = new LogGroup(stack, 'RejectedTraffic', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 1,
    natGatewayProvider: NatProvider.gateway({ eipAllocationIds: [address.attrAllocationId] }),
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    ],
    // Free of charge, and what would else go through the gateway.
    gatewayEndpoints: {
      s3: { service: GatewayVpcEndpointAwsService.S3 },
      dynamodb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
    },
    flowLogs: {
      rejected: {
        destination: FlowLogDestination.toCloudWatchLogs(log),
        trafficType: FlowLogTrafficType.REJECT,
      },
    },
  });
  new CfnOutput(stack, 'ProbeAddress', {
    description: 'Every connection to a bastion comes from this address: let it in',
    value: address.ref,
  });
  return vpc;
}

function existingVpc(stack: Stack, { vpcId, privateSubnetIds }: NonNullable<Settings['network']>): IVpc {
  return Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId,
    // Names of zones label subnets here and decide nothing.
    availabilityZones: privateSubnetIds.map((_, i) => Fn.select(i, Fn.getAzs())),
    privateSubnetIds: [...privateSubnetIds],
  });
}

/** Out to the bastions and to AWS, nothing in. */
function createSecurityGroup(stack: Stack, vpc: IVpc, config: Config, settings: Settings): SecurityGroup {
  const group = new SecurityGroup(stack, 'Probe', {
    vpc,
    description: 'Bartizan: to bastions and AWS',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS');
  for (const { host, port } of config.bastions) {
    const peer = /^\d+(\.\d+){3}$/.test(host) ? Peer.ipv4(`${host}/32`) : Peer.anyIpv4();
    group.addEgressRule(peer, Port.tcp(port), 'SSH to a bastion');
  }
  for (const port of settings.storeInVpc ? otherPorts(config) : [])
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(port), 'Sample store, channels, heartbeat');
  return group;
}

/** Of what the functions beside the store speak to, all but that of HTTPS. */
function otherPorts({ store, channels, server }: Config): number[] {
  const options = [store.options, ...channels.map((channel) => channel.options)] as Record<string, unknown>[];
  const addresses = options.flatMap(({ url, writeUrl, endpoint, apiUrl }) => [
    url,
    writeUrl,
    endpoint,
    apiUrl,
  ]);
  const ports = [...addresses, server.heartbeat].map(portOf).filter((port) => port !== undefined);
  return [...new Set(ports)].filter((port) => port !== 443);
}

/** Of an address; undefined where it is a reference. */
function portOf(address: unknown): number | undefined {
  const url = URL.parse(String(address));
  if (url === null) return undefined;
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}
