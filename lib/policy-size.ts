// Folds names of parameters, so that the policies that allow them stay within the limits of IAM.
import { ConfigError } from '../core/errors.ts';

/**
 * Names of one statement: each stands in it as an ARN of up to some 130 characters, and a managed policy may have 6,144, which
 * CDK fills by whole statements (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
export const NAMES_A_STATEMENT = 20;
/**
 * Characters of all names of a role together. It may have policies of 10,240 characters of its own and ten managed ones; each
 * name stands in two of them, behind some 60 characters of its ARN, and the role has other statements. CDK fills a policy to
 * about a half, since it takes references for longer than they are.
 */
const MOST_CHARACTERS = 12_000;
const ARN_CHARACTERS = 60;

/**
 * The names, or, where they are too many for policies, paths that hold them: `/keys/a`, `/keys/b` … become `/keys/*`. The path
 * that saves most is folded first, and only as many as it takes. A path of one part (`/keys`) is the widest. None is folded
 * that holds one of `others`, which this role must not read.
 * @throws ConfigError where that does not suffice
 */
export function foldNames(
  names: readonly string[],
  others: readonly string[] = [],
): { names: string[]; folded: string[] } {
  let all = [...new Set(names)];
  const folded: string[] = [];
  const foreign = others.filter((name) => !names.includes(name));
  while (charactersOf(all) > MOST_CHARACTERS) {
    const path = bestPath(all, foreign);
    if (path === undefined) {
      throw new ConfigError(
        `${all.length} parameters of Systems Manager do not fit into the policies of a function; put them under a path of their own, such as /bartizan/keys/NAME`,
      );
    }
    const pattern = `${path}/*`;
    all = [...all.filter((name) => !name.startsWith(`${path}/`)), pattern];
    folded.push(pattern);
  }
  return { names: all.sort(), folded: folded.filter((pattern) => all.includes(pattern)).sort() };
}

function charactersOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length + ARN_CHARACTERS, 0);
}

/** The longest path among those that save most. */
function bestPath(names: readonly string[], foreign: readonly string[]): string | undefined {
  const byPath = Map.groupBy(
    names.filter((name) => parentOf(name) !== ''),
    parentOf,
  );
  const saved = [...byPath]
    .filter(([path]) => !foreign.some((name) => name.startsWith(`${path}/`)))
    .map(([path, inside]) => ({ path, saves: charactersOf(inside) }))
    .sort((a, b) => b.saves - a.saves || b.path.length - a.path.length);
  return saved[0]?.path;
}

/** The parent path: `/a` for `/a/b` and `/a/b/*`; empty for a name without a path. */
function parentOf(name: string): string {
  const whole = name.endsWith('/*') ? name.slice(0, -2) : name;
  return whole.slice(0, Math.max(0, whole.lastIndexOf('/')));
}
