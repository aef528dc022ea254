/** `agent/settings.md`: the settings of the agent as a table. */

import { settingRows } from '../../agent/config.js'
import { cell, code } from './markdown-cell.js'

const HEAD = `# Settings of the agent

\`npm run build\` writes this file from the table in \`agent/config.ts\`.

Each setting is a flag, an environment variable and a key of \`/etc/fauxboot/agent.json\`: \`--fetch-retries 2\`,
\`FAUXBOOT_FETCH_RETRIES=2\` and \`{ "fetchRetries": 2 }\` are the same. Flags override the environment, which overrides the file.
\`fauxboot-agent.cjs --check-config\` prints what is in effect.

| key | what it does | value | default |
|---|---|---|---|
`

/** The whole file. */
export function settingsDocument(): string {
  const rows = settingRows().map(({ key, doc, expects, fallback }) => {
    const value = fallback === 'none' ? 'none' : code(fallback)
    return `| ${code(key)} | ${cell(doc)} | ${cell(expects)} | ${value} |\n`
  })
  return HEAD + rows.join('')
}
