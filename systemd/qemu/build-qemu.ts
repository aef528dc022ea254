/** `node dist/systemd/qemu/build-qemu.js`: build the QEMU that has a Cubieboard4. */

import { parseArgs } from 'node:util'
import { asFault } from '../../agent/errors.js'
import { buildProgress } from './build-progress.js'
import { cubieboard4Qemu, QEMU_BUILD_PACKAGES } from './cubieboard4-qemu.js'

const USAGE = `Usage: node dist/systemd/qemu/build-qemu.js

Builds qemu-system-arm with the machine "cubieboard4" (Allwinner A80) from Debian's source and systemd/qemu/cubieboard4,
and prints where it is. It takes four minutes of one core; what was built before is taken from .cache.

  --packages   print the Debian packages that the build needs, and end
`

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: { packages: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) return void process.stdout.write(USAGE)
  if (values.packages) return void process.stdout.write(`${Object.keys(QEMU_BUILD_PACKAGES).join('\n')}\n`)
  process.stdout.write(`${await cubieboard4Qemu(buildProgress(process.stderr))}\n`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = asFault(error, 'building QEMU')
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
})
