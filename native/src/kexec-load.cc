// kexec_load(2) with JavaScript's buffers, without copies.
#include <linux/kexec.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

/// machine_kexec_prepare() of 32-bit ARM reads this many bytes from every segment, regardless of its size, to see whether
/// it is a device tree.
constexpr size_t kPeeked = 4;

/// A segment from JavaScript: its numbers are checked, its buffer is not.
struct Request {
  Napi::Value buffer;
  uintptr_t mem;
  uintptr_t memsz;
};

/// A buffer that must not move while the kernel reads it.
class Pin {
 public:
  /// @throws TypeError, RangeError if the kernel cannot load this buffer into `memsz` bytes of memory
  Pin(const Napi::Value& value, uintptr_t memsz) {
    const Napi::Env env = value.Env();
    const Napi::Uint8Array bytes = Bytes(value, "buffer");
    const Napi::ArrayBuffer memory = bytes.ArrayBuffer();
    // A SharedArrayBuffer is not an ArrayBuffer here: another thread could write into the next kernel.
    if (!memory.IsArrayBuffer()) throw Napi::TypeError::New(env, "buffer must not be shared memory");
    if (memory.IsDetached()) throw Napi::RangeError::New(env, "buffer is detached");
    if (bytes.ByteLength() < kPeeked) throw Napi::RangeError::New(env, "buffer has fewer than 4 bytes");
    if (bytes.ByteLength() > memsz) throw Napi::RangeError::New(env, "buffer is larger than memsz");
    data_ = bytes.Data();
    size_ = bytes.ByteLength();
    offset_ = bytes.ByteOffset();
    // This holds the memory, not the view: a view can be collected while its memory is in use.
    memory_ = Napi::Reference<Napi::ArrayBuffer>::New(memory, 1);
  }

  const uint8_t* Data() const { return data_; }
  size_t Size() const { return size_; }

  /// Whether the memory has not been detached, shrunk or moved since.
  bool Holds() const {
    Napi::ArrayBuffer memory = memory_.Value();
    return !memory.IsDetached() && static_cast<uint8_t*>(memory.Data()) + offset_ == data_ &&
           memory.ByteLength() - offset_ >= size_;
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t offset_;
  Napi::Reference<Napi::ArrayBuffer> memory_;
};

/// The image of one call. It lives until the call has settled.
struct Image {
  std::vector<Pin> pins;
  std::vector<kexec_segment> segments;
};

Outcome KexecLoad(uintptr_t entry, const std::vector<kexec_segment>& segments, uintptr_t flags) {
  return ResultOf("kexec_load", syscall(SYS_kexec_load, entry, segments.size(), segments.data(), flags));
}

std::vector<Request> ReadRequests(const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "segments must be an array");
  const auto list = value.As<Napi::Array>();
  const uint32_t count = list.Length();
  if (count > KEXEC_SEGMENT_MAX) throw Napi::RangeError::New(value.Env(), "more than 16 segments");
  std::vector<Request> requests;
  for (uint32_t i = 0; i < count; i++) {
    const Napi::Value item = list.Get(i);
    if (!item.IsArray()) throw Napi::TypeError::New(value.Env(), "a segment must be [buffer, mem, memsz]");
    const auto segment = item.As<Napi::Array>();
    requests.push_back({segment.Get(0u), Word(segment.Get(1u), "mem"), Word(segment.Get(2u), "memsz")});
  }
  return requests;
}

}  // namespace

Napi::Value Load(const Napi::CallbackInfo& info) {
  const uintptr_t entry = Word(info[0], "entry");
  const uintptr_t flags = Word(info[1], "flags");
  // Reading an array may run JavaScript (getters, proxies), which may detach a buffer. So all arrays are read before the
  // first address is taken, and no JavaScript runs until the last buffer is pinned.
  const std::vector<Request> requests = ReadRequests(info[2]);
  auto image = std::make_shared<Image>();
  for (const Request& request : requests) {
    const Pin& pin = image->pins.emplace_back(request.buffer, request.memsz);
    image->segments.push_back(
        {pin.Data(), pin.Size(), reinterpret_cast<const void*>(request.mem), request.memsz});
  }
  return Run(
      info.Env(), [image, entry, flags] { return KexecLoad(entry, image->segments, flags); },
      [image, flags](const Outcome& outcome) -> Outcome {
        for (const Pin& pin : image->pins) {
          if (pin.Holds()) continue;
          // N-API cannot stop JavaScript from detaching a buffer during the call. The kernel may then have read memory
          // that was already reused: such an image must not stay loaded.
          if (outcome.error == 0) KexecLoad(0, {}, flags);
          return {EFAULT, outcome.syscall};
        }
        return outcome;
      });
}

}  // namespace fauxboot
