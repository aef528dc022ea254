// What the addon exports. native/addon.ts declares the same signatures for TypeScript.
#pragma once

#include <napi.h>

namespace fauxboot {

/// load(entry, flags, [[buffer, mem, memsz], ...]): Promise; kexec_load(2). An empty list unloads.
Napi::Value Load(const Napi::CallbackInfo& info);

/// fileLoad(kernelFd, initrdFd or null, cmdline, flags): Promise; kexec_file_load(2).
Napi::Value FileLoad(const Napi::CallbackInfo& info);

/// jump(): Promise; reboot(LINUX_REBOOT_CMD_KEXEC). Settles only when the kernel refuses.
Napi::Value Jump(const Napi::CallbackInfo& info);

/// sync(): Promise; sync(2).
Napi::Value Sync(const Napi::CallbackInfo& info);

/// linkDown(ifname): Promise; clears IFF_UP.
Napi::Value LinkDown(const Napi::CallbackInfo& info);

/// map(fd): Uint8Array; a private, writable mapping of a whole regular file.
Napi::Value Map(const Napi::CallbackInfo& info);

}  // namespace fauxboot
