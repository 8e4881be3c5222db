// Docker cannot run wherever the tests run, so this checks the file without Docker.
import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { synthExample } from '../test/stacks/synth.ts';

interface Compose {
  services: Record<
    string,
    {
      image: string;
      ports: string[];
      environment: Record<string, string>;
      volumes: string[];
      networks: string[];
    }
  >;
  networks: Record<string, { name: string; ipam: { config: { subnet: string; gateway: string }[] } }>;
  volumes: Record<string, unknown>;
}

const text = readFileSync('localstack/compose.yaml', 'utf8');
const compose = parse(text) as Compose;
const { localstack } = compose.services;

/** The service of a resource type, if it is not the type's own name in lower case. */
const NAMES: Readonly<Record<string, string[]>> = { DynamoDB: ['dynamodb', 'dynamodbstreams'] };
/** Services that CDK, secrets and functions use without a resource in the templates. */
const ASKED = ['cloudformation', 'kms', 'sts'];

it('the compose file has one service of a pinned release, which only this machine can reach', () => {
  expect(Object.keys(compose.services)).toEqual(['localstack']);
  expect(localstack?.image).toMatch(/^localstack\/localstack:\d+\.\d+\.\d+$/);
  expect(localstack?.ports).toEqual(['127.0.0.1:4566:4566']);
});

it('the compose file runs the services that the stacks use, and no others', () => {
  const templates: Template[] = Object.values(synthExample());
  const types = templates.flatMap((template) =>
    Object.values(template.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type),
  );
  const needed = types.flatMap((type) => {
    const service = type.split('::')[1] ?? '';
    return NAMES[service] ?? [service.toLowerCase()];
  });
  expect(localstack?.environment.SERVICES?.split(',')).toEqual(
    [...new Set([...needed, ...ASKED])].toSorted(),
  );
});

it('the compose file puts functions into the network whose gateway the usage names', () => {
  const [network] = Object.values(compose.networks);
  expect(localstack?.environment.LAMBDA_DOCKER_NETWORK).toBe(network?.name);
  expect(localstack?.networks).toEqual(Object.keys(compose.networks));
  const gateway = network?.ipam.config[0]?.gateway;
  expect(text).toContain(`STAND_INS_HOST=${gateway} npm run localstack`);
  expect(readFileSync('docs/deploy.md', 'utf8')).toContain(`STAND_INS_HOST=${gateway} npm run localstack`);
});

it('the compose file mounts existing paths, and the socket of Docker for the functions', () => {
  const [own, docker] = localstack?.volumes ?? [];
  expect(Object.keys(compose.volumes)).toContain(own?.split(':')[0]);
  expect(docker).toBe('/var/run/docker.sock:/var/run/docker.sock');
});
