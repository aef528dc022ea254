/** What dpkg knows of the agent's package, and what runs when it comes and goes. Formats: Debian Policy, chapters 5 and 6. */

export const PACKAGE = 'fauxboot-agent'

const SERVICE = 'fauxboot-agent.service'
const AGENT = '/usr/lib/fauxboot/fauxboot-agent.cjs'
export const CONF_FILE = '/etc/fauxboot/agent.json'
const TOKEN_FILE = '/etc/fauxboot/token'

/** Units that the package enables. */
const ENABLED = [SERVICE, 'fauxboot-set-clock.socket']

export interface PackageFacts {
  readonly version: string
  /** `Name <address>` */
  readonly maintainer: string
  /** bytes of all files */
  readonly size: number
}

/** The settings after an installation: changes need the token that `postinst` makes. */
export const CONF = `${JSON.stringify({ tokenFile: TOKEN_FILE }, null, 2)}\n`

export function control({ version, maintainer, size }: PackageFacts): string {
  return `Package: ${PACKAGE}
Version: ${version}
Architecture: armhf
Maintainer: ${maintainer}
Installed-Size: ${Math.ceil(size / 1024)}
Depends: bzip2, ca-certificates, libc6, nodejs (>= 20.19), systemd, xz-utils, zstd
Section: admin
Priority: optional
Description: network boot loader for boards, which kexecs kernels that a lab sends
 The agent takes jobs over HTTP, over TFTP or typed at a faked U-Boot.
 A job names a kernel, a ramdisk and a device tree. The agent fetches
 them, works out where each must be in memory, refuses what cannot
 survive, and boots the rest with kexec.
`
}

export const CONFFILES = `${CONF_FILE}\n`

/** Another Node cannot use the code that this one has compiled. */
export const TRIGGERS = 'interest-noawait /usr/bin/node\n'

/** The compiled code is an aid: without it the agent starts later. */
const COMPILE = `if ! node ${AGENT} --build-cache; then
      echo "${PACKAGE}: no compiled code, so the agent starts more slowly" >&2
    fi`

export const POSTINST = `#!/bin/sh
set -e
case "$1" in
  configure)
    if [ ! -e ${TOKEN_FILE} ]; then
      (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \\n' > ${TOKEN_FILE}.new)
      mv ${TOKEN_FILE}.new ${TOKEN_FILE}
    fi
    ${COMPILE}
    for unit in ${ENABLED.join(' ')}; do
      deb-systemd-helper unmask $unit >/dev/null || true
      if deb-systemd-helper --quiet was-enabled $unit; then
        deb-systemd-helper enable $unit >/dev/null || true
      else
        deb-systemd-helper update-state $unit >/dev/null || true
      fi
    done
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
      deb-systemd-invoke restart ${ENABLED.join(' ')} >/dev/null || true
    fi
    ;;
  triggered)
    ${COMPILE}
    ;;
esac
`

export const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop ${ENABLED.join(' ')} >/dev/null || true
fi
if [ "$1" = remove ]; then
  rm -f /usr/lib/fauxboot/*.cache
fi
`

export const POSTRM = `#!/bin/sh
set -e
case "$1" in
  remove)
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
    fi
    ;;
  purge)
    rm -f ${TOKEN_FILE} ${TOKEN_FILE}.new
    for unit in ${ENABLED.join(' ')}; do
      if command -v deb-systemd-helper >/dev/null; then deb-systemd-helper purge $unit >/dev/null || true; fi
    done
    ;;
esac
`

export function changelog({ version, maintainer }: Omit<PackageFacts, 'size'>, date: Date): string {
  // RFC 5322, section 3.3.
  const time = date.toUTCString().replace('GMT', '+0000')
  return `${PACKAGE} (${version}) unstable; urgency=medium

  * The agent of fauxboot ${version}.

 -- ${maintainer}  ${time}
`
}

/** @param licence the text of the project's licence */
export function copyright(licence: string): string {
  const [, ...lines] = licence.trim().split('\n')
  const holder = lines.find(line => line.startsWith('Copyright'))?.replace(/^Copyright \(c\) /, '')
  const text = lines.slice(lines.findIndex(line => line.startsWith('Permission')))
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: fauxboot

Files: *
Copyright: ${holder}
License: Expat

License: Expat
${text.map(line => (line === '' ? ' .' : ` ${line}`)).join('\n')}
`
}

export const README_DEBIAN = `fauxboot-agent on this machine

The agent serves http://ADDRESS:8080 as soon as it is installed. Everybody may read; a change
needs the token in ${TOKEN_FILE}, which the installation made:

    curl -H "Authorization: Bearer $(cat ${TOKEN_FILE})" ...

Settings are in ${CONF_FILE}; fauxboot-agent(8) explains them. "ubootSerial": "/dev/ttyS0" puts
the faked U-Boot on a serial line; disable the login there first: systemctl disable --now
serial-getty@ttyS0.

A job ends this system at once, without stopping its services. The agent syncs the file systems
before, so after the next boot they are as after a power cut: a journal recovers them.
`
