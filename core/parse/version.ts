/** Versions have no unit: `1.37.2` is 1037002, so that rules can compare them. */
const MAJOR = 1_000_000;
const MINOR = 1_000;

/**
 * The number of a version such as `v1.37.2-rc.1+k3s1`, of which only the three numbers count; undefined for other text, and
 * where two versions would be one number.
 */
export function versionNumber(text: string): number | undefined {
  const [, major, minor, patch] = /^v?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.])/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return Number(major) * MAJOR + Number(minor) * MINOR + Number(patch);
}
