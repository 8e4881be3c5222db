/** CPU time of a session since its login. */
export interface SessionCpu {
  /** Ids of the processes: others are another session. */
  processes: readonly string[];
  /** CPU time of the processes themselves. */
  sshdMs: number;
  /** CPU time of what they ran and waited for: commands, and the process that made the login. Counted in hundredths of a second. */
  ranMs: number;
  /** CPU time of all sessions of this server that have ended, with what they ran; undefined: unknown. */
  endedMs?: number;
}

const BEGIN = '@bartizan begin cost 1';
/** The unit of /proc/PID/stat: a hundredth of a second for every architecture that Kubernetes runs on (proc(5), USER_HZ). */
const TICK_MS = 10;
const NS = 1e6;
/** sshd has two processes a session, one where the user is root. */
const MOST_PROCESSES = 16;

/** What the cost script printed; a text says why it could not read the CPU time. Undefined: this is not its output. */
export function parseCost(output: string): { cpu: SessionCpu | string } | undefined {
  const begin = output.indexOf(`${BEGIN}\n`);
  const end = output.indexOf('\n@bartizan end\n', begin);
  if (begin < 0 || end < 0) return undefined;
  const lines = output.slice(begin + BEGIN.length + 1, Math.max(end, begin + BEGIN.length + 1)).split('\n');
  const processes: string[] = [];
  let [sshdMs, ranMs] = [0, 0];
  let endedMs: number | undefined;
  for (const line of lines.slice(0, MOST_PROCESSES)) {
    if (line === '') continue;
    if (line === 'hidden') return { cpu: 'its /proc hides the processes of sshd from us (hidepid)' };
    const listens = /^listens \d+ (\d+) (\d+)$/.exec(line);
    if (listens) {
      endedMs = (Number(listens[1]) + Number(listens[2])) * TICK_MS;
      continue;
    }
    const [, process, ran = '', ...ticks] =
      /^sshd (\d+) (\d+|unknown) (\d+) (\d+) (\d+) (\d+)$/.exec(line) ?? [];
    if (process === undefined) return undefined;
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = ticks.map(Number);
    processes.push(process);
    sshdMs += ran === 'unknown' ? (user + system) * TICK_MS : Number(ran) / NS;
    ranMs += (childUser + childSystem) * TICK_MS;
  }
  if (processes.length === 0) return { cpu: 'none of the processes above our command is called sshd' };
  return { cpu: { processes, sshdMs, ranMs, ...(endedMs !== undefined && { endedMs }) } };
}
