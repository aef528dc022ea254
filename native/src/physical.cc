// Reads and writes physical memory that the kernel does not use, through /dev/mem. read(2) and write(2) on that device reach
// only memory that the kernel has mapped, so this maps it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

/// More than any reserved region that is read here.
constexpr int64_t kLargest = INT64_C(16) << 20;

struct Place {
  std::string device;
  int64_t address;
  int64_t length;
};

/// A shared mapping, which ends with this object.
class Mapping {
 public:
  Mapping(Napi::Env env, const Place& place, bool writable) : length_(static_cast<size_t>(place.length)) {
    const int fd = open(place.device.c_str(), (writable ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
    if (fd < 0) throw SystemError(env, {errno, "open memory"});
    struct stat status{};
    if (const Outcome got = ResultOf("fstat", fstat(fd, &status)); got.error != 0) {
      close(fd);
      throw SystemError(env, got);
    }
    // Access to a page after the end of a file would end the process.
    if (S_ISREG(status.st_mode) && place.address + place.length > status.st_size) {
      close(fd);
      throw Napi::RangeError::New(env, "the range lies outside the file");
    }
    address_ = mmap(nullptr, length_, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, place.address);
    const int error = errno;
    close(fd);
    if (address_ == MAP_FAILED) throw SystemError(env, {error, "mmap memory"});
  }
  ~Mapping() { munmap(address_, length_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  volatile uint32_t* Words() const { return static_cast<volatile uint32_t*>(address_); }

 private:
  size_t length_;
  void* address_;
};

Place PlaceOf(const Napi::CallbackInfo& info, int64_t length) {
  Place place{Text(info[0], "device"), Offset(info[1], "address"), length};
  const int64_t page = sysconf(_SC_PAGESIZE);
  if (place.address % page != 0 || length % page != 0) {
    throw Napi::RangeError::New(info.Env(), "address and length must be multiples of the page size");
  }
  if (length == 0 || length > kLargest) throw Napi::RangeError::New(info.Env(), "length must be from a page to 16 MiB");
  return place;
}

}  // namespace

// 32-bit ARM maps such memory as Strongly-ordered, where an unaligned access faults. The copies below therefore take whole
// words on their side, whatever the other side is.

Napi::Value ReadMemory(const Napi::CallbackInfo& info) {
  const Place place = PlaceOf(info, Offset(info[2], "length"));
  const auto length = static_cast<size_t>(place.length);
  auto result = Napi::Uint8Array::New(info.Env(), length);
  const Mapping mapping(info.Env(), place, false);
  const volatile uint32_t* const words = mapping.Words();
  for (size_t index = 0; index < length / sizeof(uint32_t); index++) {
    const uint32_t word = words[index];
    std::memcpy(result.Data() + index * sizeof word, &word, sizeof word);
  }
  return result;
}

void WriteMemory(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = Bytes(info[2], "bytes");
  const size_t length = bytes.ByteLength();
  const Place place = PlaceOf(info, static_cast<int64_t>(length));
  const Mapping mapping(info.Env(), place, true);
  volatile uint32_t* const words = mapping.Words();
  for (size_t index = 0; index < length / sizeof(uint32_t); index++) {
    uint32_t word = 0;
    std::memcpy(&word, bytes.Data() + index * sizeof word, sizeof word);
    words[index] = word;
  }
  __sync_synchronize();
}

}  // namespace fauxboot
