// The functions that the addon exports. native/addon.ts declares the same signatures for TypeScript.
#pragma once

#include <napi.h>

namespace fauxboot {

/// load(entry, flags, [[buffer, mem, memsz], ...]): Promise; kexec_load(2). An empty list unloads.
Napi::Value Load(const Napi::CallbackInfo& info);

/// jump(): Promise; reboot(LINUX_REBOOT_CMD_KEXEC). Settles only if the kernel refuses.
Napi::Value Jump(const Napi::CallbackInfo& info);

/// restart(), powerOff(): Promise; reboot(LINUX_REBOOT_CMD_RESTART or _POWER_OFF). They settle only if the kernel refuses.
Napi::Value Restart(const Napi::CallbackInfo& info);
Napi::Value PowerOff(const Napi::CallbackInfo& info);

/// sync(): Promise; sync(2).
Napi::Value Sync(const Napi::CallbackInfo& info);

/// linkDown(ifname): Promise; clears IFF_UP.
Napi::Value LinkDown(const Napi::CallbackInfo& info);

/// map(fd, offset?, length?): Uint8Array; a private, writable mapping of a regular file or a range of it.
Napi::Value Map(const Napi::CallbackInfo& info);

/// mappedBytes(): number; of maps whose arrays are not collected yet.
Napi::Value MappedBytes(const Napi::CallbackInfo& info);

/// trimMemory(): malloc_trim(3), which gives back freed pages between blocks in use, too.
void TrimMemory(const Napi::CallbackInfo& info);

/// readMemory(device, address, length): Uint8Array; a copy of physical memory, by pages.
Napi::Value ReadMemory(const Napi::CallbackInfo& info);

/// writeMemory(device, address, bytes); whole pages of physical memory.
void WriteMemory(const Napi::CallbackInfo& info);

/// rawTty(fd): makes a terminal pass every byte unchanged; its speed stays the same.
Napi::Value RawTty(const Napi::CallbackInfo& info);

/// drainTty(fd): Promise; tcdrain(3): everything written has left the serial line.
Napi::Value DrainTty(const Napi::CallbackInfo& info);

/// watchdogTimeout(fd, seconds): number; WDIOC_SETTIMEOUT. Returns the seconds that the driver made of it.
Napi::Value WatchdogTimeout(const Napi::CallbackInfo& info);

/// notify(path, state): sends `state` as a datagram to the Unix socket `path`; `@` begins the name of an abstract socket.
Napi::Value Notify(const Napi::CallbackInfo& info);

/// openUdp(address, port, bufferBytes): {fd, port, bufferBytes}; an IPv4 socket, with a receive buffer of that size or as
/// large as the system allows. Before closing `fd`, wait for receiveUdp.
Napi::Value OpenUdp(const Napi::CallbackInfo& info);

/// sendUdp(fd, datagram, address, port); a datagram that cannot be sent is lost.
void SendUdp(const Napi::CallbackInfo& info);

/// receiveUdp(fd, memory, address, port, next, blockSize, windowSize, unacked): Promise of {blocks, unacked, others}.
/// Receives for 50 ms of silence, 100 ms in all, or until `memory` is full. DATA packets of TFTP from this peer, of the full
/// block size and numbered from `next` on, go to `memory` one after the other and are acknowledged by windows. The first
/// datagram that is anything else ends the call; it and those behind it are `others`: [{bytes, address, port}, ...].
/// receiveUdp(fd, wait): the same, where every datagram is one of the others; without `wait`, only one that has come already.
Napi::Value ReceiveUdp(const Napi::CallbackInfo& info);

}  // namespace fauxboot
