/** A UART whose pins wait for a regulator, as on the Cubieboard4, but the regulator's driver comes after the agent. */

import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { parseFdt, writeFdt } from '../../agent/image/fdt/fdt.js'
import { applyOverlay } from '../../agent/image/fdt/fdt-overlay.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { FileTree } from '../../systemd/image/file-tree.js'
import { run } from '../../systemd/run.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { interrupt, type } from '../board/console-suite.js'
import { Lab, type Powered } from '../board/lab.js'

/** In Debian's kernel, this regulator's driver is a module. UART0 is on PA4 and PA5. */
const DRIVER = 'gpio_regulator'
const SUPPLY = `/dts-v1/;
/plugin/;
&{/} {
  pin_supply: regulator-pins {
    compatible = "regulator-gpio";
    regulator-name = "pins";
    regulator-min-microvolt = <3000000>;
    regulator-max-microvolt = <3300000>;
    gpios = <&r_pio 0 10 0>;
    states = <3000000 0>, <3300000 1>;
  };
};
&pio {
  vcc-pa-supply = <&pin_supply>;
};
`

/** The board loads the driver when an artifact of this name arrives: its serial line is dead, HTTP is not. */
const SIGNAL = 'load-the-driver'

const UNITS = {
  'test-driver.path': `[Unit]
DefaultDependencies=no
After=run-fauxboot-artifacts.mount

[Path]
PathExists=/run/fauxboot/artifacts/${SIGNAL}
`,
  'test-driver.service': `[Unit]
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/modprobe ${DRIVER}
`,
}

/** The driver's module, and the units that load it. */
async function driverArchive({ board }: Lab): Promise<Uint8Array> {
  const files = new FileTree()
  files.copy((await targetModules([...board.modules, DRIVER])).folder, 'lib', 'usr/lib')
  for (const [name, text] of Object.entries(UNITS)) files.file(`etc/systemd/system/${name}`, text)
  files.link('etc/systemd/system/sysinit.target.wants/test-driver.path', '/etc/systemd/system/test-driver.path')
  return packCpio(files.entries())
}

/** The board's own device tree, in which the UART's pins have a supply. */
async function treeWithSupply(lab: Lab): Promise<Uint8Array> {
  const overlay = await run('compiling an overlay', ['dtc', '-q', '-@'], { input: SUPPLY })
  return writeFdt(applyOverlay(parseFdt(await readFile(await lab.dtb())), parseFdt(overlay)))
}

async function send({ client }: Powered, name: string): Promise<void> {
  const content = Buffer.from('now')
  const sha256 = createHash('sha256').update(content).digest('hex')
  await client.putArtifact({ name, body: Readable.from([content]), offset: 0, size: content.length, sha256 })
}

t.test('orangepi-pc: a serial port whose UART comes late shows the banner and the countdown once', async t => {
  const lab = await Lab.open(t, 'orangepi-pc')
  const dtb = join(t.testdir(), 'late-uart.dtb')
  await writeFile(dtb, await treeWithSupply(lab))
  const image = { ...(await buildBoardImage(lab.board)), dtb }
  const powered = await lab.powerOn(t, { image, extraInitrd: [await driverArchive(lab)] })
  const { console } = powered.qemu
  t.notMatch(console.transcript, '-fauxboot', 'the port is dead while the agent answers')
  await send(powered, SIGNAL)
  await interrupt(console)
  t.match(await type(console, 'echo alive'), /^echo alive\r\nalive\r\n=> $/)
  for (const start of ['\nU-Boot 20', '\n\x1b[2K\rHit any key']) {
    t.equal(console.transcript.split(start).length - 1, 1, `shown once: ${JSON.stringify(start)}`)
  }
})
