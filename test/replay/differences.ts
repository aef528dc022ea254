/** Exchanges in which the fake differs from the recorded U-Boot on purpose, or cannot do otherwise; the first that fits. */

import type { Exchange } from './replay.js'

export interface Difference {
  readonly reason: string
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
    reason: 'the banner tells of this board',
    fits: labelled(/^(power-on banner|reset|reset and let countdown run| {2}after)$/),
  },
  { reason: 'CRLF is one line end', fits: labelled(/^key: CRLF$/) },
  { reason: 'one line end right behind the interrupt belongs to it', fits: typed(/^\n$/) },
  { reason: 'the history begins empty at power-on', fits: labelled(/^autoboot interrupt|^key: ctrl-A/) },
  {
    reason: 'the fake has other commands',
    fits: typed(/^(help\n|e\t|\t|gzwrite|booti|sysboot|boot_nosuch|mii|bootelf)/),
  },
  { reason: '`tftp` is a command here: LAVA types it', fits: typed(/^tftp /) },
  { reason: '`tftp` is a command here: LAVA types it', fits: typed(/^(tftp|boot)\n$/) },
  { reason: 'bindings are listed by name, not by the order of a hash table', fits: typed(/^env callbacks/) },
  { reason: 'there is no flash', fits: typed(/^(md zz|bdinfo)/) },
  { reason: 'the file on the recorded server is not known', fits: typed(/^crc32 \$fileaddr/) },
  { reason: 'there is no table of SMBIOS to point to', fits: typed(/^fdt chosen 4/) },
  { reason: 'overlays and the fixups of the board work here', fits: typed(/^fdt (apply 4|boardsetup)/) },
  {
    reason: "without a tree the first stage's own is used, and nothing is reset",
    fits: typed(/^(bootm 42000000\n|bootz 42000000 43300000\n)/),
  },
  { reason: 'a tree need not be aligned', fits: typed(/^bootm 44000000\n$/) },
  {
    reason: 'HTTP works with URLs and longer files here, and the server is there',
    fits: typed(/^wget|^echo \$fileaddr/),
  },
  {
    reason: 'the recorded one hung from here on',
    fits: labelled(/^very long line|^ {2}ctrl-C$|^many args|^expansion longer|^setenv long/),
  },
  {
    reason: 'a load over part of an earlier one is refused',
    fits: ({ label, sent }) => /^tftpboot 42100000/.test(sent) || /overlapping/.test(label),
  },
  { reason: 'here is MMC', fits: typed(/^mmc/) },
  { reason: 'serverip was not set where ours had got it from DHCP', fits: typed(/^(pxe get|nfs\n)/) },
  { reason: 'a host that does not answer is given up after seconds', fits: labelled(/^ctrl-C during tftp to dead/) },
  { reason: 'the server of the replay does not die', fits: labelled(/port closed/) },
  { reason: 'nothing can be run but kernels', fits: typed(/^go 4/) },
]
