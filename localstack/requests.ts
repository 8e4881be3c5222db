// Requests to an emulator without a client of the SDK.
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import axios from 'axios';
import type { Emulator } from './emulator.ts';

/** The body of the answer as text. @throws Error when the answer is not a success */
export async function ask(
  { url, client }: Emulator,
  service: string,
  request: { path: string; form?: Record<string, string>; json?: unknown; headers?: Record<string, string> },
): Promise<string> {
  const { path, form, json } = request;
  const { credentials, region, requestHandler } = client;
  const { protocol, hostname, host, port } = new URL(url);
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
  const signed = await new SignatureV4({ credentials, region, service, sha256: Sha256 }).sign({
    method: form || json ? 'POST' : 'GET',
    protocol,
    hostname,
    port: Number(port),
    path,
    query: {},
    headers: { ...request.headers, host, 'content-type': type },
    body: form ? String(new URLSearchParams(form)) : json && JSON.stringify(json),
  });
  const { data } = await axios.request<string>({
    url: `${url}${path}`,
    method: signed.method,
    data: signed.body,
    headers: signed.headers,
    httpsAgent: requestHandler?.httpsAgent,
    proxy: false,
    timeout: 10_000,
    responseType: 'text',
    transformResponse: (text: string) => text,
  });
  return data;
}

/** An existing network: an emulator has no NAT gateway, and its functions need no network of their own. */
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
