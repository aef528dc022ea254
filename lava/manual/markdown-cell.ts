/** Cells of tables in Markdown. */

/** A bar would end the cell. */
export const cell = (text: string): string => text.replaceAll('|', '\\|')

/** A word of code. */
export const code = (text: string): string => `\`${cell(text)}\``
