/** Figures that a command writes into a document, between two marks. */

const END = '<!-- end of what is written -->\n'

/**
 * @param document with the marks of this command
 * @param command as a user types it
 * @param text lines of Markdown
 * @throws Error if the document has no marks
 */
export function withWritten(document: string, command: string, text: string): string {
  const begin = `<!-- written by \`${command}\`, not by hand -->\n`
  const [before, rest] = cut(document, begin)
  const [, after] = cut(rest, END)
  return `${before}${begin}${text}${END}${after}`
}

function cut(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark)
  if (at < 0) throw new Error(`the document lacks the mark ${mark.trim()}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
