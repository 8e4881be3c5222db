import { describe, expect, it } from 'vitest';
import { readRecorded, recordedNames } from './recorded.ts';

const NAMES = [...recordedNames('etcd'), ...recordedNames('apiserver')];

describe('recorded answers', () => {
  it.each(NAMES)('%s can be read', (name) => {
    const { path, status, headers, body } = readRecorded(name);
    expect(path).toMatch(/^\//);
    expect(status).toBeGreaterThanOrEqual(200);
    expect(headers['content-type']).toMatch(/^(text|application)\//);
    expect(body).not.toBe('');
  });

  it('keep the texts that probes read', () => {
    expect(readRecorded('etcd/ok/health').body).toBe('{"health":"true","reason":""}');
    expect(readRecorded('etcd/no-space/health')).toMatchObject({
      path: '/health',
      status: 503,
      reason: 'Service Unavailable',
      body: '{"health":"false","reason":"ALARM NOSPACE"}\n',
    });
    expect(readRecorded('etcd/no-leader/health').body).toContain('"RAFT NO LEADER"');
    expect(readRecorded('etcd/no-leader/metrics').body).toMatch(/^etcd_server_has_leader 0$/m);
    expect(readRecorded('etcd/ok/metrics').body).toMatch(/^etcd_disk_wal_fsync_duration_seconds_bucket/m);
  });

  it('keep what kube-apiserver says without a credential', () => {
    expect(readRecorded('apiserver/ok/readyz-verbose').body).toMatch(
      /^\[\+\]etcd ok$.*^readyz check passed$/ms,
    );
    const dead = readRecorded('apiserver/etcd-dead/readyz');
    expect(dead.status).toBe(500);
    expect(dead.body).toMatch(/^\[-\]etcd failed: reason withheld$.*^readyz check failed$/ms);
    expect(readRecorded('apiserver/etcd-dead/livez-without-etcd')).toMatchObject({ status: 200, body: 'ok' });
    expect(JSON.parse(readRecorded('apiserver/ok/version').body)).toMatchObject({ gitVersion: 'v1.37.2' });
    expect(JSON.parse(readRecorded('apiserver/unauthorized/readyz').body).code).toBe(401);
    expect(JSON.parse(readRecorded('apiserver/ok/metrics').body).message).toContain(
      'cannot get path "/metrics"',
    );
    expect(readRecorded('apiserver/readyz-alone/readyz').status).toBe(200);
    expect(readRecorded('apiserver/readyz-alone/version').status).toBe(401);
  });
});
