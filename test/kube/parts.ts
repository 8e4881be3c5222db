// Which etcd and which API server tests and examples run: the real ones where they are built, else the next best.
import { join } from 'node:path';
import { findProgram } from '../program-path.ts';
import { findBuilt, missingPrograms, SERVERS } from './programs.ts';

export interface Parts {
  etcd: string;
  /** The program, with the arguments that stand before the flags of kube-apiserver. */
  apiserver: readonly string[];
  /** In words what replaces the real ones, and how to get those; undefined: both are real. */
  replaced: string | undefined;
}

const EMULATOR = join(import.meta.dirname, 'apiserver-emulator.ts');

/** Undefined: there is not even Debian's etcd. */
export function findParts(): Parts | undefined {
  const [etcd, apiserver] = [findBuilt('etcd'), findBuilt('kube-apiserver')];
  const anyEtcd = etcd ?? findProgram('etcd');
  if (anyEtcd === undefined) return undefined;
  const missing = missingPrograms(undefined, SERVERS);
  return {
    etcd: anyEtcd,
    apiserver: apiserver === undefined ? [process.execPath, EMULATOR] : [apiserver],
    replaced: missing && `${missing.why}; ${replacements(etcd, apiserver)} (${missing.how})`,
  };
}

function replacements(etcd: string | undefined, apiserver: string | undefined): string {
  const parts = [
    ...(etcd === undefined ? ["Debian's etcd"] : []),
    ...(apiserver === undefined ? ['an emulator of kube-apiserver'] : []),
  ];
  return `${parts.join(' and ')} ${parts.length > 1 ? 'run' : 'runs'} instead`;
}
