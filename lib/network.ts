import { CfnOutput, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnEIP,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  type ISubnet,
  type IVpc,
  NatProvider,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { ownNetworkParameter } from '../adapters/aws/deployment.ts';
import type { Config } from '../core/model/config.ts';
import { deploymentName, stackName } from './names.ts';
import { createNatInstance } from './nat-instance.ts';
import { servicePorts } from './network-access.ts';
import { egressGateway, type Settings } from './settings.ts';
import type { StageNetwork } from './stage.ts';

/** The port of DNS, which also needs UDP. */
const DNS = 53;

export interface Network {
  /** The address of our own network. */
  stack: Stack | undefined;
  /** For functions that must connect from one address. Undefined: they connect from any address of AWS. */
  join(scope: Construct): StageNetwork | undefined;
}

/**
 * A network with one egress address, which the firewalls of bastions can allow; or an existing network. An existing one
 * has no stack: a stack could not remove a network while another stack uses its exports
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
 */
export function createNetwork(
  app: Construct,
  { config, settings }: { config: Config; settings: Settings },
): Network {
  const { network } = settings;
  if (settings.withoutNetwork) return { stack: undefined, join: () => undefined };
  if (network !== undefined) {
    return {
      stack: undefined,
      join(scope) {
        const here = new Construct(scope, 'Network');
        const vpc = existingVpc(here, network);
        return {
          vpc,
          vpcSubnets: { subnets: vpc.privateSubnets },
          securityGroups: [createSecurityGroup(here, vpc, config, settings)],
        };
      },
    };
  }
  const stack = new Stack(app, stackName(app, 'Network'), {
    description: 'Bartizan: the network to the bastions',
  });
  const vpc = ownVpc(stack, settings);
  const securityGroups = [createSecurityGroup(stack, vpc, config, settings)];
  return {
    stack,
    join: () => ({ vpc, vpcSubnets: { subnets: besideEgress(vpc) }, securityGroups }),
  };
}

function ownVpc(stack: Stack, settings: Settings): IVpc {
  const address = new CfnEIP(stack, 'NatAddress', { domain: 'vpc' });
  const log = new LogGroup(stack, 'RejectedTraffic', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const { natInstance } = settings;
  const machine = natInstance === undefined ? undefined : createNatInstance(stack, natInstance);
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 1,
    natGatewayProvider:
      machine?.provider ?? NatProvider.gateway({ eipAllocationIds: [address.attrAllocationId] }),
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    ],
    // Free of charge; without it this traffic would pass through the gateway.
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
  new StringParameter(stack, 'WayOut', {
    description: 'Bartizan: the egress of its own network',
    parameterName: ownNetworkParameter(deploymentName(stack)),
    stringValue: egressGateway(settings),
  });
  machine?.attach(address.attrAllocationId);
  new CfnOutput(stack, 'ProbeAddress', {
    description: 'Every connection to a bastion comes from this address: allow it there',
    value: address.ref,
  });
  return vpc;
}

/**
 * The private subnet in the zone of the egress: from another zone every byte costs more
 * (https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer), and without that zone there is no egress at all.
 */
function besideEgress(vpc: IVpc): ISubnet[] {
  return vpc.privateSubnets.slice(0, 1);
}

function existingVpc(scope: Construct, { vpcId, privateSubnetIds }: NonNullable<Settings['network']>): IVpc {
  return Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    // The names of zones are only labels of subnets here.
    availabilityZones: privateSubnetIds.map((_, i) => Fn.select(i, Fn.getAzs())),
    privateSubnetIds: [...privateSubnetIds],
  });
}

/** Allows connections to the bastions and to AWS, and none from outside. */
function createSecurityGroup(scope: Construct, vpc: IVpc, config: Config, settings: Settings): SecurityGroup {
  const group = new SecurityGroup(scope, 'Probe', {
    vpc,
    description: 'Bartizan: to bastions and AWS',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS');
  for (const { host, port } of config.bastions) {
    const peer = /^\d+(\.\d+){3}$/.test(host) ? Peer.ipv4(`${host}/32`) : Peer.anyIpv4();
    group.addEgressRule(peer, Port.tcp(port), 'SSH to a bastion');
  }
  for (const port of servicePorts(config, settings).filter((one) => one !== 443))
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(port), 'Sample store, channels, heartbeat, egressPorts');
  // Security groups let requests to the name server of AWS pass, and to no other
  // (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html).
  if (settings.egressPorts.includes(DNS)) group.addEgressRule(Peer.anyIpv4(), Port.udp(DNS), 'Name servers');
  return group;
}
