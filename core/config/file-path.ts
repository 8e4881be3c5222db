/** Makes a POSIX path absolute. `~` is the home folder; a relative path starts from the folder of the configuration. */
export function resolvePath(path: string, folders: { baseDir: string; home?: string }): string {
  const { baseDir, home } = folders;
  let full = path;
  if (home !== undefined && (path === '~' || path.startsWith('~/'))) full = `${home}/${path.slice(1)}`;
  else if (!path.startsWith('/')) full = `${baseDir}/${path}`;
  const parts: string[] = [];
  for (const part of full.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
