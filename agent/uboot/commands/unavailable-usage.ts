/** What `help` says of the commands that cannot work here: their usage in U-Boot 2026.10, by name. */

export const UNAVAILABLE_USAGE: Readonly<Record<string, string>> = {
  bootefi: `<image address>[:<size>] [<initrd address>:<size>] [<fdt address>]
  - boot EFI payload
bootefi hello
  - boot a sample Hello World application stored within U-Boot
bootefi selftest [fdt address]
  - boot an EFI selftest application stored within U-Boot
    Use environment variable efi_selftest to select a single test.
    Use 'setenv efi_selftest list' to enumerate all tests.
bootefi bootmgr [fdt address]
  - load and boot EFI payload based on BootOrder/BootXXXX variables.

    If specified, the device tree located at <fdt address> gets
    exposed as EFI configuration table.
`,
  bootvx: ` [address] - load address of vxWorks ELF image.`,
  dfu: `    [list] - list available alt settings
tftp [<interface> <dev>] [<addr>]
  - device firmware upgrade via TFTP
    on device <dev>, attached to interface
    <interface>
    [<addr>] - address where FIT image has been stored
`,
  fatmkdir: `<interface> [<dev[:part]>] <directory>
    - create a directory in 'dev' on 'interface'`,
  fatrm: `<interface> [<dev[:part]>] <filename>
    - delete a file from 'dev' on 'interface'`,
  fatwrite: `<interface> <dev[:part]> <addr> <filename> [<bytes> [<offset>]]
    - write file 'filename' from the address 'addr' in RAM
      to 'dev' on 'interface'`,
  ln: `<interface> <dev[:part]> target linkname
    - create a symbolic link to 'target' with the name 'linkname' on
      device type 'interface' instance 'dev'.`,
  loadb: `[ addr [ baud ] ]
    - load binary file over serial line at address 'addr' with baudrate 'baud'`,
  loads: `[ off ]
    - load S-Record file over serial line with offset 'off'`,
  loadx: `[ addr [ baud ] ]
    - load binary file over serial line at address 'addr' with baudrate 'baud'`,
  loady: `[ addr [ baud ] ]
    - load binary file over serial line at address 'addr' with baudrate 'baud'`,
  mkdir: `<interface> [<dev[:part]>] <directory>
    - Create a directory 'directory' of partition 'part' on
      device type 'interface' instance 'dev'.`,
  mtd: `- generic operations on memory technology devices

mtd list
mtd read[.raw][.oob][.benchmark]                <name> <addr> [<off> [<size>]]
mtd dump[.raw][.oob]                            <name>        [<off> [<size>]]
mtd write[.raw][.oob][.dontskipff][.benchmark]  <name> <addr> [<off> [<size>]]
mtd erase[.dontskipbad]                         <name>        [<off> [<size>]]

Specific functions:
mtd bad                                         <name>

With:
	<name>: NAND partition/chip name (or corresponding DM device name or OF path)
	<addr>: user address from/to which data will be retrieved/stored
	<off>: offset in <name> in bytes (default: start of the part)
		* must be block-aligned for erase
		* must be page-aligned otherwise
	<size>: length of the operation in bytes (default: the entire device)
		* must be a multiple of a block for erase
		* must be a multiple of a page otherwise (special case: default is a page with dump)

The .dontskipff option forces writing empty pages, don't use it if unsure.
`,
  mtdparts: `
    - list partition table
mtdparts delall
    - delete all partitions
mtdparts del part-id
    - delete partition (e.g. part-id = nand0,1)
mtdparts add <mtd-dev> <size>[@<offset>] [<name>] [ro]
    - add partition
mtdparts default
    - reset partition table to defaults

-----

this command uses three environment variables:

'partition' - keeps current partition identifier

partition  := <part-id>
<part-id>  := <dev-id>,part_num

'mtdids' - linux kernel mtd device id <-> u-boot device id mapping

mtdids=<idmap>[,<idmap>,...]

<idmap>    := <dev-id>=<mtd-id>
<dev-id>   := 'nand'|'nor'|'onenand'|'spi-nand'<dev-num>
<dev-num>  := mtd device number, 0...
<mtd-id>   := unique device tag used by linux kernel to find mtd device (mtd->name)

'mtdparts' - partition list

mtdparts=mtdparts=<mtd-def>[;<mtd-def>...]

<mtd-def>  := <mtd-id>:<part-def>[,<part-def>...]
<mtd-id>   := unique device tag used by linux kernel to find mtd device (mtd->name)
<part-def> := <size>[@<offset>][<name>][<ro-flag>]
<size>     := standard linux memsize OR '-' to denote all remaining space
<offset>   := partition start offset within the device
<name>     := '(' NAME ')'
<ro-flag>  := when set to 'ro' makes partition read-only (not used, passed to kernel)`,
  mv: `<interface> [<dev[:part]>] <old_path> <new_path>
    - renames/moves a file/directory in 'dev' on 'interface' from
      'old_path' to 'new_path'`,
  pci: `[bus|*] [long]
    - short or long list of PCI devices on bus 'bus'
pci enum
    - Enumerate PCI buses
pci header b.d.f
    - show header of PCI device 'bus.device.function'
pci bar b.d.f
    - show BARs base and size for device b.d.f'
pci regions [bus|*]
    - show PCI regions
pci display[.b, .w, .l] b.d.f [address] [# of objects]
    - display PCI configuration space (CFG)
pci next[.b, .w, .l] b.d.f address
    - modify, read and keep CFG address
pci modify[.b, .w, .l] b.d.f address
    -  modify, auto increment CFG address
pci write[.b, .w, .l] b.d.f address value
    - write to CFG address`,
  rm: `<interface> [<dev[:part]>] <filename>
    - delete a file with the name 'filename' on
      device type 'interface' instance 'dev'.`,
  save: `<interface> <dev[:part]> <addr> <filename> bytes [pos]
    - Save binary file 'filename' to partition 'part' on device
      type 'interface' instance 'dev' from addr 'addr' in memory.
      'bytes' gives the size to save in bytes and is mandatory.
      'pos' gives the file byte position to start writing to.
      If 'pos' is 0 or omitted, the file is written from the start.`,
}
