/** `node dist/test/lava/prepare.js`: download what the LAVA tests need, because they run without a network. */

import { loadBoard } from '../../systemd/boards/board.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { dispatcherPackages } from './dispatcher-packages.js'

for (const release of ['forky', 'bookworm'] as const) await dispatcherPackages(release)
for (const suite of ['trixie', 'bookworm'] as const) await debianKernel(suite)
for (const name of ['virt', 'orangepi-pc']) await buildBoardImage(await loadBoard(name))
