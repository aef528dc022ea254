/**
 * Which sources tap measures: the folders whose lines must all be run by the unit tests (see CONTRIBUTING.md).
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const MEASURED = ['agent/image', 'agent/kexec', 'agent/boot', 'agent/uboot']

const sources = MEASURED.flatMap(folder =>
  readdirSync(folder, { recursive: true })
    .map(file => join(folder, String(file)))
    .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts')),
)

export default () => sources
