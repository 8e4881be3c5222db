import type { OidcConfig } from '../../core/model/config.ts';
import { visibleLine } from '../../core/text/visible-line.ts';
import type { Principal } from '../principal.ts';

/** Who has logged in, as a session keeps it. What the groups may do is read from the configuration at each request. */
export interface Person {
  name: string;
  /** The name is an address that the provider has verified. */
  isVerified?: true;
  /** Those that the configuration names. */
  groups: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

const LONGEST_NAME = 100;
const ADDRESS = /^[^\s@]{1,64}@[^\s@]{1,255}$/;

/** The person of these claims. Groups of no meaning here are left out: people may be in hundreds. */
export function personOf(claims: Claims, { groupsClaim, groups }: OidcConfig): Person {
  const found = new Set(groupsIn(claims, groupsClaim));
  return {
    ...nameIn(claims),
    groups: groups
      .map(({ group }) => group)
      .filter((group, i, all) => found.has(group) && all.indexOf(group) === i),
  };
}

/** What the first of the configured groups that the person is in may do; undefined: the person is in none. */
export function principalOfPerson(
  person: Person,
  { groups }: Pick<OidcConfig, 'groups'>,
): Principal | undefined {
  const entry = groups.find(({ group }) => person.groups.includes(group));
  if (!entry) return undefined;
  const { scope, selector } = entry;
  // People choose some names themselves: one that is not verified must not read as a token's, or as somebody's address.
  return {
    name: person.isVerified ? person.name : `login ${person.name}`,
    scope,
    ...(selector && { selector }),
  };
}

function groupsIn(claims: Claims, claim: string): string[] {
  // Anybody can write an address that nobody has verified.
  if (claim === 'email' && claims.email_verified !== true) return [];
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === 'string');
}

/** An address that was verified, what the provider calls the person, or the id there, which is never reused. */
function nameIn(claims: Claims): Pick<Person, 'name' | 'isVerified'> {
  const { email, email_verified: isVerified, preferred_username: username, sub } = claims;
  if (isVerified === true && typeof email === 'string' && ADDRESS.test(email))
    return { name: visibleLine(email), isVerified: true };
  const name = [username, sub].find((one): one is string => typeof one === 'string' && one.trim() !== '');
  return { name: visibleLine(name ?? 'a person without a name').slice(0, LONGEST_NAME) };
}
