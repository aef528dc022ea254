/** What a fresh clone lacks until `npm ci`. A program calls this before it imports the package. */
import { relative, resolve } from 'node:path'

/** Say in one line that an npm package is missing, and end with 1. */
export function needPackage(name) {
  try {
    import.meta.resolve(name)
  } catch {
    const program = relative(resolve(import.meta.dirname, '..'), process.argv[1])
    console.error(`${program}: the npm package ${name} is missing; run \`npm ci\``)
    process.exit(1)
  }
}
