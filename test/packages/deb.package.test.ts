// The .deb and its unit, under a booted systemd on a machine without Node.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { built, VERSION } from './built.ts';
import { HMAC_SECRET, type MainJob, startMainJob } from './main-job.fixture.ts';
import { type ServiceContainer, startServiceContainer } from './service-container.fixture.ts';

const UNIT = 'bartizan.service';
const CONFIG = '/etc/bartizan/bartizan.yaml';
const CREDENTIALS = '/etc/bartizan/credentials';
/** https://www.freedesktop.org/software/systemd/man/252/systemd-analyze.html: ten times the exposure. */
const MOST_EXPOSURE = '25';

let job: MainJob;
let machine: ServiceContainer;

beforeAll(async () => {
  job = await startMainJob();
  machine = await startServiceContainer(job.dir);
  copyFileSync(built.deb, machine.path('/root/bartizan.deb'));
});
afterAll(async () => {
  await machine?.stop();
  await job?.stop();
});

/** The output of a command that succeeds. */
function done(...command: string[]): string {
  const { code, out } = machine.run(...command);
  expect([command.join(' '), code, out]).toEqual([command.join(' '), 0, out]);
  return out;
}

const journal = () => machine.run('journalctl', '--unit', UNIT, '--output', 'cat', '--no-pager').out;
const property = (name: string) => done('systemctl', 'show', UNIT, '--property', name, '--value').trim();
const configure = (lines = '') =>
  writeFileSync(
    machine.path(CONFIG),
    job.config({
      key: '${credential:ssh-key}',
      secret: '${credential:webhook}',
      store: '/var/lib/bartizan',
      lines,
    }),
  );
function dropIn(name: string, lines: string): void {
  mkdirSync(machine.path(`/etc/systemd/system/${UNIT}.d`), { recursive: true });
  writeFileSync(machine.path(`/etc/systemd/system/${UNIT}.d/${name}.conf`), `[Service]\n${lines}\n`);
  done('systemctl', 'daemon-reload');
}

describe('the package', () => {
  it('installs without Node, and says what to do next', () => {
    expect(machine.run('node', '--version').code).toBe(127);
    expect(done('dpkg', '--install', '/root/bartizan.deb')).toContain('systemctl enable --now bartizan');
    expect(done('bartizan', '--version')).toBe(`${VERSION}\n`);
    expect(
      done('stat', '--format=%U:%G %a %n', '/var/lib/bartizan', CREDENTIALS, '/etc/bartizan/environment'),
    ).toBe(
      `bartizan:bartizan 700 /var/lib/bartizan\nroot:bartizan 750 ${CREDENTIALS}\nroot:bartizan 640 /etc/bartizan/environment\n`,
    );
    expect(done('dpkg-query', '--showformat=${Depends}', '--show', 'bartizan')).toMatch(
      /^libc6 \(>= 2\.(2[89]|[3-9]\d)\), libstdc\+\+6 \(>= 8\), passwd$/,
    );
    expect(done('dpkg', '--verify', 'bartizan')).toBe('');
    expect(property('ActiveState')).toBe('inactive');
  });

  it('lets nobody but root write its files', () => {
    expect(
      done(
        'find',
        '/usr/lib/bartizan',
        '-not',
        '-user',
        'root',
        '-or',
        '-perm',
        '/022',
        '-not',
        '-type',
        'l',
      ),
    ).toBe('');
  });

  it('has a unit without a mistake, exposed less than 2.5', () => {
    expect(machine.run('systemd-analyze', 'verify', `/usr/lib/systemd/system/${UNIT}`).out).not.toContain(
      `${UNIT}:`,
    );
    const analysis = done(
      'systemd-analyze',
      'security',
      '--offline=true',
      `--threshold=${MOST_EXPOSURE}`,
      UNIT,
    );
    process.stdout.write(`${/Overall exposure level.*\d/.exec(analysis)?.[0]}\n`);
  });
});

describe('the service', () => {
  it("reads its credentials as its user, by the lines of the package's README", () => {
    for (const [name, text] of [
      ['ssh-key', readFileSync(job.keyFile, 'utf8')],
      ['webhook', `${HMAC_SECRET}\n`],
    ] as const)
      writeFileSync(machine.path(`${CREDENTIALS}/${name}`), text);
    done('chown', '--recursive', 'root:bartizan', CREDENTIALS);
    done('chmod', '0640', `${CREDENTIALS}/ssh-key`, `${CREDENTIALS}/webhook`);
    configure();
    const as = ['runuser', '-u', 'bartizan', '--', 'env', `CREDENTIALS_DIRECTORY=${CREDENTIALS}`, 'bartizan'];
    const checked = done(...as, 'check', CONFIG);
    expect(checked).not.toMatch(/cannot be read|may use this private key/);
    expect(done(...as, 'probe', '--config', CONFIG)).toMatch(/n1\b.*\bup\b/);
  });

  it('is active when it serves, and sends an alert with its picture', async () => {
    dropIn(
      'credentials',
      `LoadCredential=ssh-key:${CREDENTIALS}/ssh-key\nLoadCredential=webhook:${CREDENTIALS}/webhook`,
    );
    const { code } = machine.run('systemctl', 'enable', '--now', UNIT);
    expect([code, journal()]).toEqual([0, expect.stringContaining('bartizan is up')]);
    expect(property('ActiveState')).toBe('active');
    expect(property('StatusText')).toMatch(/^serves http:\/\/127\.0\.0\.1:\d+$/);
    await job.alertAfter(0, journal);
    expect(journal()).not.toMatch(/"level":"(error|fatal)"|native binding/);
    expect(done('stat', '--format=%U', '/var/lib/bartizan/state.db')).toBe('bartizan\n');
  });

  it('gives signs of life, and prints no secret', () => {
    expect(property('WatchdogUSec')).toBe('3min');
    expect(Number(property('WatchdogTimestampMonotonic'))).toBeGreaterThan(0);
    const key = readFileSync(job.keyFile, 'utf8').split('\n')[2] as string;
    for (const secret of [HMAC_SECRET, key]) expect(journal()).not.toContain(secret);
  });

  it('is reloaded, or refuses a wrong configuration and goes on', () => {
    configure('silences: []');
    done('systemctl', 'reload', UNIT);
    configure('nonsense: true');
    expect(machine.run('systemctl', 'reload', UNIT).code).not.toBe(0);
    expect(property('ActiveState')).toBe('active');
    expect(journal()).toContain('nonsense');
    configure();
  });

  it('is restarted when it gives no sign of life', async () => {
    dropIn('watchdog', 'WatchdogSec=10s\nRestartSec=0');
    done('systemctl', 'restart', UNIT);
    done('kill', '-STOP', property('MainPID'));
    await until('a restart', () => property('NRestarts') === '1' && property('ActiveState') === 'active', {
      everyMs: 500,
      seen: journal,
    });
    expect(journal()).toMatch(/Watchdog timeout/);
  });

  it('runs with the new program after an update, which opens nothing that the operator has closed', async () => {
    const before = property('MainPID');
    done('chown', 'root:root', CREDENTIALS);
    done('chmod', '0700', CREDENTIALS);
    done('rm', '/etc/bartizan/environment');
    done('dpkg', '--install', '/root/bartizan.deb');
    expect(done('stat', '--format=%U:%G %a', CREDENTIALS)).toBe('root:root 700\n');
    expect(property('ActiveState')).toBe('active');
    expect(property('MainPID')).not.toBe(before);
  });

  it('is updated also when it does not start with the new program', async () => {
    configure('nonsense: true');
    expect(done('dpkg', '--install', '/root/bartizan.deb')).toContain('does not start with the new program');
    configure();
    await until('a start', () => property('ActiveState') === 'active', { everyMs: 500, seen: journal });
  });

  it('ends cleanly', () => {
    done('systemctl', 'stop', UNIT);
    expect(property('Result')).toBe('success');
  });
});

describe('removing', () => {
  it('leaves configuration and data, and says so', () => {
    done('systemctl', 'start', UNIT);
    expect(done('dpkg', '--remove', 'bartizan')).toContain('its data in /var/lib/bartizan stay');
    expect(machine.run('systemctl', 'is-active', UNIT).out).toBe('inactive\n');
    expect(existsSync(machine.path('/usr/lib/bartizan'))).toBe(false);
    for (const file of [CONFIG, `${CREDENTIALS}/ssh-key`, '/var/lib/bartizan/state.db'])
      expect([file, existsSync(machine.path(file))]).toEqual([file, true]);
  });

  it('with its configuration leaves nothing, and says what it deletes', () => {
    expect(done('dpkg', '--purge', 'bartizan')).toContain('/var/lib/bartizan is deleted');
    expect(machine.run('getent', 'passwd', 'bartizan').code).not.toBe(0);
    const folders = [
      '/etc',
      '/var/lib',
      '/usr/lib',
      '/usr/bin',
      '/usr/share/doc',
      '/etc/systemd/system',
      '/var/lib/systemd',
    ];
    const left = folders.flatMap((folder) =>
      readdirSync(machine.path(folder)).filter((name) => name.includes('bartizan')),
    );
    expect(left).toEqual([]);
    expect(machine.run('dpkg', '--status', 'bartizan').code).not.toBe(0);
  });

  it('leaves a disk at the data folder, and a user that was there before the package', () => {
    done('groupadd', 'operators');
    done('useradd', '--system', '--gid', 'operators', 'bartizan');
    done('mkdir', '/var/lib/bartizan');
    done('mount', '-t', 'tmpfs', 'tmpfs', '/var/lib/bartizan');
    done('dpkg', '--install', '/root/bartizan.deb');
    done('touch', '/var/lib/bartizan/state.db');
    expect(done('dpkg', '--purge', 'bartizan')).toContain('the folder stays, as a disk is mounted there');
    expect(done('ls', '-A', '/var/lib/bartizan')).toBe('');
    expect(existsSync(machine.path('/etc/bartizan'))).toBe(false);
    expect(done('id', '--name', '--group', 'bartizan')).toBe('operators\n');
  });
});
