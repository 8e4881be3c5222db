import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecorded } from './recorded.ts';

const NAMES = readdirSync(join(import.meta.dirname, 'recorded'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.http'))
  .map((file) => file.replace(/\.http$/, ''));

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
});
