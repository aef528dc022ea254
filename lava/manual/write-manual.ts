/** `node dist/lava/manual/write-manual.js DIR`: write the manual pages into a folder, and settings and errors to `agent`. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorsDocument } from './errors-document.js'
import { manualPages } from './manual.js'
import { settingsDocument } from './settings-document.js'

const [folder = 'dist/man'] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
for (const [name, page] of await manualPages()) await writeFile(join(folder, name), page)
await writeFile('agent/settings.md', settingsDocument())
await writeFile('agent/errors.md', errorsDocument())
