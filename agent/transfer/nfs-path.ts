/** Paths on a server, and where a symbolic link in them leads. Latin1: servers see bytes. */

/** The names of a path; `.` and `..` are gone, and what leads above the root stays at it. */
export function pathNames(path: string): readonly string[] {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}

export const pathOf = (names: readonly string[]): string => `/${names.join('/')}`

/**
 * The path behind a symbolic link.
 *
 * @param directory that the link is in
 * @param target of the link
 * @param rest names behind the link
 */
export const linkedPath = (directory: readonly string[], target: string, rest: readonly string[]): string =>
  `${target.startsWith('/') ? '' : `${pathOf(directory)}/`}${target}/${rest.join('/')}`
