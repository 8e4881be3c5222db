// Folds names of parameters into paths, so that the policies stay within the limits of IAM.
import { ConfigError } from '../core/errors.ts';

/**
 * The most names in one statement: each is an ARN of up to about 130 characters, and a managed policy may have 6,144,
 * which CDK fills with whole statements (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
export const NAMES_A_STATEMENT = 20;
/**
 * The most characters of all names of a role. A role may have 10,240 characters in its own policies and ten managed
 * ones; each name is in two of them, after about 60 characters of its ARN, and the role has other statements. CDK fills
 * about half of a policy, because it overestimates the length of references.
 */
const MOST_CHARACTERS = 12_000;
const ARN_CHARACTERS = 60;

/**
 * The names, or paths in place of names when there are too many: `/keys/a`, `/keys/b` … become `/keys/*`. The path that
 * saves most is folded first, and only as many as necessary. A path with one part (`/keys`) is the widest. A path with
 * one of `others`, which this role must not read, is never folded.
 * @throws ConfigError when that is not enough
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

/** The longest of the paths that save most. */
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
