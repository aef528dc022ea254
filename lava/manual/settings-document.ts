/** `agent/settings.md`: the settings of the agent as a table. */

import { settingRows } from '../../agent/config.js'

const HEAD = `# Settings of the agent

\`npm run build\` writes this file from the table in \`agent/config.ts\`.

Each setting is a flag, an environment variable and a key of \`/etc/fauxboot/agent.json\`: \`--fetch-retries 2\`,
\`FAUXBOOT_FETCH_RETRIES=2\` and \`{ "fetchRetries": 2 }\` are the same. Flags override the environment, which overrides the file.
\`fauxboot-agent.cjs --check-config\` prints what is in effect.

| key | what it does | value | default |
|---|---|---|---|
`

/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|')

/** The whole file. */
export function settingsDocument(): string {
  const rows = settingRows().map(({ key, doc, expects, fallback }) => {
    const value = fallback === 'none' ? 'none' : `\`${fallback}\``
    return `| \`${key}\` | ${cell(doc)} | ${cell(expects)} | ${cell(value)} |\n`
  })
  return HEAD + rows.join('')
}
