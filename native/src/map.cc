// Maps a file as a Uint8Array, so that kexec_load reads artifacts directly from the page cache.
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <thread>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

/// The longest Uint8Array of Node 20 (buffer.constants.MAX_LENGTH): 2^30 - 1 bytes on 32-bit machines, 2^32 on the
/// others. Newer versions allow more, but no artifact needs it. Beyond its limit V8 may abort, so this is checked first.
constexpr int64_t kLargest = sizeof(void*) == 4 ? (INT64_C(1) << 30) - 1 : INT64_C(1) << 32;

/// Bytes of maps whose arrays are not collected yet, in all threads of Node.
std::atomic<size_t> mapped{0};

/// A shorter map is undone at once: a thread takes longer.
constexpr size_t kLong = 1 << 20;

/// Where the file is deleted, this frees its pages, which took 45 ms for 512 MiB on x64: not on the event loop.
void Unmap(void* address, size_t size) {
  mapped -= size;
  if (size >= kLong) {
    try {
      std::thread(munmap, address, size).detach();
      return;
    } catch (const std::system_error&) {
      // The process has all the threads that it may have.
    }
  }
  munmap(address, size);
}

}  // namespace

Napi::Value Map(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = Descriptor(info[0], "fd");
  const bool whole = info[1].IsUndefined();
  struct stat status{};
  const Outcome outcome = ResultOf("fstat", fstat(fd, &status));
  if (outcome.error != 0) throw SystemError(env, outcome);
  if (!S_ISREG(status.st_mode)) throw Napi::RangeError::New(env, "only a regular file can be mapped");
  const int64_t offset = whole ? 0 : Offset(info[1], "offset");
  const int64_t length = whole ? status.st_size : Offset(info[2], "length");
  // Access to a page after the end of the file would end the process.
  if (offset > status.st_size || length > status.st_size - offset) {
    throw Napi::RangeError::New(env, "the range lies outside the file");
  }
  if (length > kLargest) throw SystemError(env, {EFBIG, "mmap"});
  if (length == 0) return Napi::Uint8Array::New(env, 0);  // mmap(2) refuses a length of 0

  // Writable like any Uint8Array, because a write to a read-only page would end the process. Private, so that a write
  // copies the page and never reaches the file.
  const auto size = static_cast<size_t>(length);
  void* const address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, offset);
  if (address == MAP_FAILED) throw SystemError(env, {errno, "mmap"});
  mapped += size;
  const auto memory = Napi::ArrayBuffer::New(env, address, size, [size](Napi::Env, void* data) { Unmap(data, size); });
  return Napi::Uint8Array::New(env, size, memory, 0);
}

Napi::Value MappedBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(mapped.load()));
}

}  // namespace fauxboot
