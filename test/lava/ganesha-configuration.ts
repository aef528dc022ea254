/** The settings of the NFS server, Ganesha, that stands beside the dispatcher. */

import type { DispatcherRelease } from './dispatcher-packages.js'

/** A newer Ganesha ends unless the kernel spares it when memory is short, which takes a capability that containers lack. */
const IN_CONTAINERS: Readonly<Record<DispatcherRelease, string>> = {
  forky: 'allow_set_io_flusher_fail = true;',
  bookworm: '',
}

/**
 * Only NFS 4, which needs no other servers. Graceless: clients of an earlier server get no time to reclaim locks.
 *
 * @param address to listen on
 * @param folder that clients mount
 */
export function ganeshaConfiguration(
  release: DispatcherRelease,
  { address, folder }: { readonly address: string; readonly folder: string },
): string {
  return `
NFS_CORE_PARAM {
  Protocols = 4; Bind_addr = ${address}; Enable_NLM = false; Enable_RQUOTA = false; ${IN_CONTAINERS[release]}
}
NFSv4 { Graceless = true; }
EXPORT {
  Export_Id = 1; Path = ${folder}; Pseudo = ${folder}; Protocols = 4;
  Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
  FSAL { Name = VFS; }
}
`
}
