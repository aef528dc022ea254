/** The environment as one run of bytes: `name=value`, each followed by a separator. `env export` and `env import` speak it. */

/** Behind each variable: a line end in the text format, a NUL in the binary one. */
export type Separator = '\n' | '\0'

/**
 * Variables as one text. A separator or a backslash in a value is escaped with a backslash, in both formats.
 *
 * @returns the text without the NUL that ends it
 */
export function exportText(variables: Iterable<readonly [name: string, value: string]>, separator: Separator): string {
  let text = ''
  for (const [name, value] of variables) {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll(separator, `\\${separator}`)
    text += `${name}=${escaped}${separator}`
  }
  return text
}

/** Most bytes of a text without a given length. */
export const MOST_IMPORT_BYTES = 0x10_0000

/**
 * Read what {@link exportText} wrote, or people did: blanks before a name and lines that start with `#` do not count,
 * a backslash takes the next character as it is, `name=` and `name` alone delete (null).
 *
 * @param crlf a CR before a line end is no part of a value
 */
export function* importText(
  text: string,
  separator: Separator,
  crlf = false,
): Generator<readonly [name: string, value: string | null]> {
  const source = crlf ? text.replaceAll('\r\n', '\n') : text
  const ends = (char: string) => char === '' || char === '\0' || char === separator
  let at = 0
  do {
    while (source.charAt(at) === ' ' || source.charAt(at) === '\t') at++
    if (source.charAt(at) === '#') {
      while (!ends(source.charAt(at))) at++
      at++
      continue
    }
    const start = at
    while (source.charAt(at) !== '=' && !ends(source.charAt(at))) at++
    const name = source.slice(start, at)
    if (ends(source.charAt(at)) || ends(source.charAt(at + 1))) {
      at += source.charAt(at) === '=' ? 2 : 1
      if (name !== '') yield [name, null]
      continue
    }
    let value = ''
    for (at++; !ends(source.charAt(at)); at++) {
      if (source.charAt(at) === '\\' && source.charAt(at + 1) !== '' && source.charAt(at + 1) !== '\0') at++
      value += source.charAt(at)
    }
    at++
    yield [name, value]
  } while (source.charAt(at) !== '' && source.charAt(at) !== '\0')
}
