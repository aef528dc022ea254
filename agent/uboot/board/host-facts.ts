/** What the fake U-Boot says about its board, from what the running kernel reports. */

import type { BoardHost } from '../../boot/board/board.js'
import { parseIomem } from '../../kexec/layout/memory-map.js'
import { versionLine } from './banner.js'
import type { BoardFacts } from './board-facts.js'
import { CPU_NAMES } from './cpu-names.js'
import { defaultEnvironment } from './default-environment.js'
import { dramBanks } from './dram.js'
import type { UBootConfig } from './uboot-config.js'

/** The version of U-Boot that is faked. */
const RELEASE = '2026.10-fauxboot'

const DEFAULT_BAUD = 115_200

/**
 * Read them, and make the default environment of them.
 *
 * @param mac of the first network interface; null before any has its driver
 * @throws MAP_*
 */
export async function boardFacts(
  host: BoardHost,
  config: Pick<UBootConfig, 'identity' | 'bootDelay' | 'console'>,
  mac: string | null,
): Promise<BoardFacts> {
  const [iomem, model, compatible, controlFdt, macs] = await Promise.all([
    host.iomem(),
    host.model(),
    host.compatible(),
    host.runningDtb(),
    host.macAddresses(),
  ])
  const dram = dramBanks(parseIomem(iomem))
  const [, baud] = /,(\d+)/.exec(config.console) ?? []
  const baudrate = Number(baud ?? DEFAULT_BAUD)
  return {
    version: versionLine(RELEASE, new Date()),
    identity: config.identity,
    cpu: CPU_NAMES[compatible.at(-1) ?? ''] ?? null,
    model,
    dram,
    baudrate,
    controlFdt,
    environment: defaultEnvironment({
      dramStart: dram[0]?.start ?? 0,
      compatible,
      // A link whose driver comes late: its address is in the tree already.
      mac: mac ?? macs.ethernet0 ?? null,
      baudrate,
      bootDelay: config.bootDelay,
      console: config.console.replace(/n8$/, ''),
    }),
  }
}
