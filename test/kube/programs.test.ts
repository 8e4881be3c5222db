import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, unfitGo } from '../go-module.ts';
import {
  build,
  findBuilt,
  helmVersion,
  kubernetesVersion,
  missingPrograms,
  PROGRAMS,
  SERVERS,
} from './programs.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'kube-cache-'));
});
afterEach(() => {
  rmSync(cache, { recursive: true });
});

describe('Go', () => {
  it.each([
    ['go1.26.0', undefined],
    ['go1.26.8', undefined],
    ['go1.27rc1', undefined],
    ['go2.0', undefined],
    ['go1.25.9', 'go1.25.9 is older than Go 1.26'],
    ['go1.9', 'go1.9 is older than Go 1.26'],
    ['devel +abc', 'devel +abc is older than Go 1.26'],
    [undefined, 'no Go'],
  ])('%s: %s', (version, why) => {
    expect(unfitGo(version)).toBe(why);
  });

  it('is as new as all modules ask for', () => {
    for (const program of PROGRAMS) {
      const asked = /^go (\S+)$/m.exec(
        readFileSync(join(import.meta.dirname, program, 'go.mod'), 'utf8'),
      )?.[1];
      expect(unfitGo(`go${asked}`)).toBeUndefined();
      expect(asked).toMatch(/^1\.26\./);
    }
  });
});

describe('the cache', () => {
  it('is in the folder of the user', () => {
    expect(cacheFolder('kube', { XDG_CACHE_HOME: '/x' })).toBe('/x/bartizan/kube');
    expect(cacheFolder('kube', {})).toMatch(/\/\.cache\/bartizan\/kube$/);
    expect(cacheFolder('kube', { XDG_CACHE_HOME: '' })).toMatch(/\/\.cache\/bartizan\/kube$/);
  });

  it('has a program of these sources and this processor, by any Go; a draft or another one is none', () => {
    expect(findBuilt('etcd', cache)).toBeUndefined();
    expect(missingPrograms(cache)).toMatchObject({
      why: expect.stringContaining('etcd, kube-apiserver, kubectl and helm not built'),
      how: expect.stringContaining('npm run kube'),
    });
    expect(missingPrograms(cache, SERVERS)?.why).toMatch(/^etcd and kube-apiserver not built/);
    const other = join(cache, `etcd-${process.arch}-0123456789abcdef-go1.26.8`);
    mkdirSync(other);
    writeFileSync(join(other, 'etcd'), '');
    expect(findBuilt('etcd', cache)).toBeUndefined();

    const report: string[] = [];
    const before = process.env.PATH;
    process.env.PATH = cache;
    try {
      expect(() => build('etcd', (text) => report.push(text), cache)).toThrow(
        'etcd cannot be built: no Go; install Go 1.26',
      );
    } finally {
      process.env.PATH = before;
    }
    expect(readdirSync(cache)).toHaveLength(1);
    expect(report).toEqual([]);
  });
});

it('kube-apiserver and kubectl are given the version of the module, and kubectl is of the same', () => {
  expect(kubernetesVersion()).toMatch(/^v1\.37\.\d+$/);
  const asked = readFileSync(join(import.meta.dirname, 'kubectl/go.mod'), 'utf8');
  expect(asked).toContain(`k8s.io/kubectl ${kubernetesVersion().replace('v1', 'v0')}`);
});

it('helm is given the version of its module, and brings the Kubernetes of the others', () => {
  expect(helmVersion()).toMatch(/^v4\.\d+\.\d+$/);
  const asked = readFileSync(join(import.meta.dirname, 'helm/go.mod'), 'utf8');
  expect(asked).toContain(`k8s.io/client-go ${kubernetesVersion().replace('v1', 'v0')}`);
});
