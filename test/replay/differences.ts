/** Exchanges in which the fake differs from the recorded U-Boot, on purpose or because it has no choice. The first that fits counts. */

import type { Exchange } from './replay.js'

export interface Difference {
  readonly reason: string
  /** exchanges that differ for this reason, in all recordings together */
  readonly count: number
  fits(exchange: Exchange): boolean
}

const labelled =
  (pattern: RegExp) =>
  ({ label }: Exchange): boolean =>
    pattern.test(label)

const typed =
  (pattern: RegExp) =>
  ({ sent }: Exchange): boolean =>
    pattern.test(sent)

export const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'the banner describes this board',
    count: 22,
    fits: labelled(/^(power-on banner|reset|reset and let countdown run| {2}after)$/),
  },
  { reason: 'CRLF is one line end', count: 1, fits: labelled(/^key: CRLF$/) },
  { reason: 'a line end right after the interrupting key belongs to that key', count: 1, fits: typed(/^\n$/) },
  { reason: 'the history is empty at power-on', count: 2, fits: labelled(/^autoboot interrupt|^key: ctrl-A/) },
  {
    reason: 'the fake has other commands',
    count: 6,
    fits: typed(/^(help\n|e\t|\t|gzwrite|booti|sysboot|boot_nosuch|mii|bootelf)/),
  },
  { reason: '`tftp` is a command here, because LAVA types it', count: 6, fits: typed(/^(tftp |(tftp|boot)\n$)/) },
  { reason: 'bindings are listed by name, not in the order of a hash table', count: 1, fits: typed(/^env callbacks/) },
  { reason: 'there is no flash', count: 2, fits: typed(/^(md zz|bdinfo)/) },
  { reason: "the recording does not hold the server's file", count: 1, fits: typed(/^crc32 \$fileaddr/) },
  { reason: 'there is no SMBIOS table to point to', count: 1, fits: typed(/^fdt chosen 4/) },
  { reason: 'overlays and board fixups work here', count: 2, fits: typed(/^fdt (apply 4|boardsetup)/) },
  {
    reason: "a boot without a device tree uses the first stage's own and resets nothing",
    count: 2,
    fits: typed(/^(bootm 42000000\n|bootz 42000000 43300000\n)/),
  },
  { reason: 'a device tree need not be aligned', count: 1, fits: typed(/^bootm 44000000\n$/) },
  {
    reason: 'wget takes URLs and long files, and its server is there',
    count: 4,
    fits: typed(/^wget|^echo \$fileaddr/),
  },
  {
    reason: 'the recorded board hung from here on',
    count: 5,
    fits: labelled(/^very long line|^ {2}ctrl-C$|^many args|^expansion longer|^setenv long/),
  },
  {
    reason: 'a load over part of an earlier file is refused',
    count: 2,
    fits: ({ label, sent }) => /^tftpboot 42100000/.test(sent) || /overlapping/.test(label),
  },
  { reason: 'a load outside DRAM names the ranges of DRAM', count: 1, fits: typed(/^tftpboot zz /) },
  { reason: 'the disks are MMC here', count: 3, fits: typed(/^mmc/) },
  { reason: '`nfs` loads no files', count: 2, fits: typed(/^nfs/) },
  { reason: 'the recorded board had no serverip; ours has it from DHCP', count: 1, fits: typed(/^pxe get/) },
  { reason: 'a silent host is given up after seconds', count: 1, fits: labelled(/^ctrl-C during tftp to dead/) },
  { reason: "the replay's server does not die", count: 1, fits: labelled(/port closed/) },
  { reason: 'only kernels can be started', count: 1, fits: typed(/^go 4/) },
]
