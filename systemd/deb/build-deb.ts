/** `npm run deb`: build the Debian package of the agent. */

import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { asFault } from '../../agent/errors.js'
import { buildDeb } from './deb-package.js'

const USAGE = `Usage: npm run deb -- [--out DIR]

Builds the Debian package of the agent, for any armhf board with Debian 13.

  --out DIR   folder for the package; dist by default

DEBFULLNAME and DEBEMAIL in the environment name its maintainer, and SOURCE_DATE_EPOCH its time.

Example: DEBFULLNAME="Your Lab" DEBEMAIL=lab@your.domain npm run deb -- --out packages
`

async function main(argv: string[]): Promise<void> {
  const options = { out: { type: 'string', default: 'dist' }, help: { type: 'boolean', short: 'h' } } as const
  const { values } = parseArgs({ args: argv, options })
  if (values.help) return void process.stdout.write(USAGE)
  const { DEBFULLNAME = 'fauxboot', DEBEMAIL = 'root@localhost', SOURCE_DATE_EPOCH } = process.env
  const date = SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(SOURCE_DATE_EPOCH) * 1000)
  const file = await buildDeb({ out: resolve(values.out), maintainer: `${DEBFULLNAME} <${DEBEMAIL}>`, date })
  process.stdout.write(`${relative('.', file)}
on the board: apt install ./${file.split('/').at(-1)}
`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = asFault(error, 'building the Debian package')
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
})
