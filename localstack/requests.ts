// What of an emulator is asked for without a client of its own. Emulators check no signature: they read from its scope
// which service and region are meant.
import axios from 'axios';
import type { Emulator } from './emulator.ts';

/** Body of the answer as text. @throws Error when it is none of success */
export async function ask(
  { url, client }: Emulator,
  service: string,
  request: { path: string; form?: Record<string, string>; json?: unknown; headers?: Record<string, string> },
): Promise<string> {
  const { path, form, json, headers } = request;
  const scope = `${client.credentials.accessKeyId}/20260101/${client.region}/${service}/aws4_request`;
  const { data } = await axios.request<string>({
    url: `${url}${path}`,
    method: form || json ? 'POST' : 'GET',
    data: form ? new URLSearchParams(form) : json,
    headers: {
      ...headers,
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
    },
    proxy: false,
    timeout: 10_000,
    responseType: 'text',
    transformResponse: (text: string) => text,
  });
  return data;
}

/** A network that is there: an emulator has no NAT gateway, and functions need no network of theirs in it. */
export async function defaultNetwork(
  emulator: Emulator,
): Promise<{ vpcId: string; privateSubnetIds: string[] }> {
  const form = { Action: 'DescribeSubnets', Version: '2016-11-15' };
  const xml = await ask(emulator, 'ec2', { path: '/', form });
  const vpcId = /<vpcId>([^<]+)/.exec(xml)?.[1];
  const subnets = [...xml.matchAll(/<subnetId>([^<]+)<(?:(?!<subnetId>)[\s\S])*?<vpcId>([^<]+)/g)];
  const privateSubnetIds = subnets.flatMap(([, id, vpc]) => (id && vpc === vpcId ? [id] : [])).slice(0, 2);
  if (vpcId === undefined || privateSubnetIds.length === 0) throw new Error('the emulator has no network');
  return { vpcId, privateSubnetIds };
}
